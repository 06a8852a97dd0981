package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"runtime/cgo"
	"sync/atomic"
)

// A LoggingMessage is a log message of the server (specification 2026-07-28, "Logging"). For the library's own log, see
// [LogFunc].
type LoggingMessage struct {
	// Level is "debug", "info", "notice", "warning", "error", "critical", "alert" or "emergency".
	Level string `json:"level"`
	// Logger is the name of the logger; "" if the server gives none.
	Logger string `json:"logger"`
	// Data is the message: a string or any other JSON value.
	Data json.RawMessage `json:"data"`
}

// WithLogging sets the callback for the server's log messages. Most servers send none before [Client.SetLoggingLevel].
// A message that arrives with the response to a call is delivered on the goroutine of that call, other messages on a
// reader thread, where the callback may not make calls on the same client ([Misuse]). Its time does not count against
// timeouts. A panic in it is ignored.
func WithLogging(callback func(LoggingMessage)) Option {
	return func(c *Client) error {
		return c.setCallback(&loggingCallback{callback, &c.core.runningCallbacks},
			func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
				return C.bridge_set_logging(client, handle, failure)
			})
	}
}

// SetLoggingLevel requests the server's log messages of a level and all higher levels; see [LoggingMessage]. On a
// legacy server this sends a request now; a modern server gets the level with every later request. Errors include
// [InvalidArgument] for an unknown level, and [RPCError] if a legacy server does not support logging.
func (c *Client) SetLoggingLevel(ctx context.Context, level string, options ...CallOption) error {
	return withCString(level, "the level", func(level *C.char) error {
		return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
			return C.mcp_set_logging_level(c, level, o, e)
		})
	})
}

type loggingCallback struct {
	function func(LoggingMessage)
	running  *atomic.Int32
}

//export bridgeLogging
func bridgeLogging(handle C.uintptr_t, message *C.mcp_json) {
	callback := cgo.Handle(handle).Value().(*loggingCallback)
	callback.running.Add(1)
	defer callback.running.Add(-1)
	var decoded LoggingMessage
	if Result(rawJSON(message)).Decode(&decoded) != nil {
		return
	}
	_ = runCallback(func() error {
		callback.function(decoded)
		return nil
	})
}
