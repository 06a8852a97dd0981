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

// WithServerLog sets the callback for the server's log messages. Most servers send none before
// [Client.RequestServerLog]. A message that arrives with the response to a call is delivered on the goroutine of that
// call, other messages on a reader thread, where the callback may not make calls on the same client ([Misuse]). Its
// time does not count against timeouts. A panic in it is ignored.
func WithServerLog(callback func(LoggingMessage)) Option {
	return func(c *Client) error {
		return c.setCallback(&serverLogCallback{callback, &c.core.runningCallbacks},
			func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
				return C.bridge_set_server_log(client, handle, failure)
			})
	}
}

// RequestServerLog requests the server's log messages of a level and all higher levels; see [LoggingMessage]. On a
// legacy server this sends a request now; a modern server gets the level with every later request. Errors include
// [InvalidArgument] for an unknown level, and [RPCError] if a legacy server does not support logging.
func (c *Client) RequestServerLog(ctx context.Context, level string, options ...CallOption) error {
	return withCString(level, "the level", func(level *C.char) error {
		return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
			return C.mcp_request_server_log(c, level, o, e)
		})
	})
}

// WithNotification sets the callback for all notifications of the server, also those of extensions, and those that
// other callbacks receive, such as progress, log messages and changes; it runs before them. params is nil if the
// notification has none. A modern server sends changes only to [Client.Listen]. Where the callback runs, and what it
// may do: see [WithServerLog].
func WithNotification(callback func(method string, params Result)) Option {
	return func(c *Client) error {
		return c.setCallback(&notificationCallback{callback, &c.core.runningCallbacks},
			func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
				return C.bridge_set_notification(client, handle, failure)
			})
	}
}

type notificationCallback struct {
	function func(method string, params Result)
	running  *atomic.Int32
}

//export bridgeNotification
func bridgeNotification(handle C.uintptr_t, method *C.char, params *C.mcp_json) {
	callback := cgo.Handle(handle).Value().(*notificationCallback)
	callback.running.Add(1)
	defer callback.running.Add(-1)
	_ = runCallback(func() error {
		callback.function(C.GoString(method), Result(rawJSON(params)))
		return nil
	})
}

type serverLogCallback struct {
	function func(LoggingMessage)
	running  *atomic.Int32
}

//export bridgeServerLog
func bridgeServerLog(handle C.uintptr_t, message *C.mcp_json) {
	callback := cgo.Handle(handle).Value().(*serverLogCallback)
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
