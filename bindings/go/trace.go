package mcp

// #include "bridge.h"
import "C"

import (
	"runtime/cgo"
	"sync/atomic"
	"unsafe"
)

// A TraceDirection says which way a message goes.
type TraceDirection int32

const (
	// TraceSent: the client sends the message.
	TraceSent TraceDirection = C.MCP_TRACE_SENT
	// TraceReceived: the client has received the message.
	TraceReceived TraceDirection = C.MCP_TRACE_RECEIVED
)

// A TraceFunc receives the JSON-RPC messages of a client, for debugging. It may run on several goroutines at the same
// time, and the message waits for it. It may not make calls on the same client ([Misuse]). A panic in it is ignored. A
// client is never garbage collected if its TraceFunc refers to it: close it.
type TraceFunc func(direction TraceDirection, text string)

// WithTrace sets the function that receives every message that the client sends and receives, also what the server
// sends in place of a message. Tokens, cookies, and the values of headers that were set are replaced by "[redacted]",
// but not secrets that only the program and the server know. Of a longer message, the first 1 MiB are passed.
func WithTrace(trace TraceFunc) Option {
	return func(c *Client) error { return c.SetTrace(trace) }
}

// SetTrace sets the function that receives the client's messages from now on; nil removes it. See [WithTrace].
func (c *Client) SetTrace(trace TraceFunc) error {
	set := func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
		return C.bridge_set_trace(client, handle, failure)
	}
	if trace == nil {
		return c.setCallback(nil, set)
	}
	return c.setCallback(&traceCallback{trace, &c.core.runningCallbacks}, set)
}

// WithDebugOutput lets the user of the program see the log: if the environment variable MCP_DEBUG is "1", log messages
// are written to stderr, and if it is "2", also the messages of the protocol. Otherwise, it does nothing. It replaces
// the functions of [WithLog] and, with "2", of [WithTrace].
func WithDebugOutput() Option {
	return func(c *Client) error {
		return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
			return C.mcp_use_debug_output(client, failure)
		})
	}
}

type traceCallback struct {
	function TraceFunc
	running  *atomic.Int32
}

//export bridgeTrace
func bridgeTrace(handle C.uintptr_t, direction C.int32_t, text *C.char, length C.size_t) {
	callback := cgo.Handle(handle).Value().(*traceCallback)
	callback.running.Add(1)
	defer callback.running.Add(-1)
	_ = runCallback(func() error {
		copied := string(unsafe.Slice((*byte)(unsafe.Pointer(text)), int(length)))
		callback.function(TraceDirection(direction), copied)
		return nil
	})
}
