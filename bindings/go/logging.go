package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"runtime/cgo"
	"sync/atomic"
)

// A LoggingMessage is a line of the server's own log (specification 2026-07-28, "Logging"); that of the library is [LogFunc].
type LoggingMessage struct {
	// Level is "debug", "info", "notice", "warning", "error", "critical", "alert" or "emergency".
	Level string `json:"level"`
	// Logger is who says it; "" where the server does not say.
	Logger string          `json:"logger"`
	Data   json.RawMessage `json:"data"`
}

// WithLogging sets the function that receives the server's log messages. Servers send none before [Client.SetLoggingLevel], as a rule.
// It runs on the goroutine of the call whose answer the message came with, or on a thread that reads for the client, where it must
// make no call on it ([Misuse]). A panic in it is dropped.
func WithLogging(logging func(LoggingMessage)) Option {
	return func(c *Client) error {
		return c.setHook(&loggingHook{logging, &c.core.callbacks},
			func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
				return C.bridge_set_logging(client, handle, failure)
			})
	}
}

// SetLoggingLevel asks the server for its log messages from a level on. A legacy server is told now, a modern one with every call
// from now on.
func (c *Client) SetLoggingLevel(ctx context.Context, level string, options ...CallOption) error {
	return withText(level, "the level", func(level *C.char) error {
		return c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
			return C.mcp_set_logging_level(client, level, options, failure)
		})
	})
}

type loggingHook struct {
	logging func(LoggingMessage)
	running *atomic.Int32
}

//export bridgeLogging
func bridgeLogging(handle C.uintptr_t, message *C.mcp_json) {
	hook := cgo.Handle(handle).Value().(*loggingHook)
	hook.running.Add(1)
	defer hook.running.Add(-1)
	var read LoggingMessage
	if Result(raw(message)).Decode(&read) != nil {
		return
	}
	_ = guarded(func() error {
		hook.logging(read)
		return nil
	})
}
