package mcp

// #include "bridge.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"sync/atomic"
)

// A State says whether a client is connected to its server.
type State int32

const (
	// StateNotConnected: no call has connected yet.
	StateNotConnected State = C.MCP_STATE_NOT_CONNECTED
	// StateConnected: a session is open, or the version of a server without sessions is known.
	StateConnected State = C.MCP_STATE_CONNECTED
	// StateLost: the session or the connection was lost. The next call connects again; with [NewFiles], it fails.
	StateLost State = C.MCP_STATE_LOST
	// StateProcessEnded: the process of the server ([NewProcess]) has ended. The next call starts it again.
	StateProcessEnded State = C.MCP_STATE_PROCESS_ENDED
	// StateClosed: the client was closed.
	StateClosed State = C.MCP_STATE_CLOSED
)

// String returns the state as words, such as "not connected".
func (s State) String() string {
	switch s {
	case StateNotConnected:
		return "not connected"
	case StateConnected:
		return "connected"
	case StateLost:
		return "lost"
	case StateProcessEnded:
		return "process ended"
	case StateClosed:
		return "closed"
	}
	return fmt.Sprintf("state %d", int32(s))
}

// State returns whether the client is connected. It never blocks. That the connection was lost is noticed when its
// stream or the process of the server ends, and over Streamable HTTP, which has no lasting connection, by the next
// call.
func (c *Client) State() State {
	client := c.core.acquireToClose()
	if client == nil {
		return StateClosed
	}
	defer c.core.release()
	return State(C.mcp_client_state(client))
}

// WithStateChanged sets the function that receives each change of [Client.State], in their order and one at a time. It
// runs on the thread that notices the change: it must return soon, and may not make calls on the same client. A panic
// in it is ignored. A client is never garbage collected if the function refers to it: close it.
func WithStateChanged(changed func(State)) Option {
	return func(c *Client) error { return c.SetStateChanged(changed) }
}

// SetStateChanged sets the function that receives the changes of the state from now on; nil removes it. See
// [WithStateChanged].
func (c *Client) SetStateChanged(changed func(State)) error {
	set := func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
		return C.bridge_set_state_changed(client, handle, failure)
	}
	if changed == nil {
		return c.setCallback(nil, set)
	}
	return c.setCallback(&stateCallback{changed, &c.core.runningCallbacks}, set)
}

// SaveSession returns what another client, in another process, needs to continue the session: see [WithSavedSession].
// It sends nothing. Its members include "protocolVersion" and, if a legacy server has assigned an id, "sessionId": then
// the text is a secret, which belongs in a file that only the user can read. It contains no tokens, cookies or headers.
// Do not close the client, which would end the session. The error is [Misuse] if the client is not connected.
func (c *Client) SaveSession() (Result, error) {
	var document *C.mcp_json
	err := c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		return C.mcp_save_session(client, &document, failure)
	})
	if err != nil {
		return nil, err
	}
	defer C.mcp_json_free(document)
	return Result(rawJSON(document)), nil
}

// WithSavedSession lets the first call continue a session that [Client.SaveSession] has saved; nil means none. Over
// Streamable HTTP, nothing is negotiated; with HTTP+SSE, only the search for the version and the transport is saved;
// over stdio it has no effect, because a new process always negotiates. If the server has lost the session or has
// another version, the client negotiates and repeats the request, unless the server may have executed it. Use the
// credentials with which the session was saved, and set the same handlers: with other ones, the client negotiates a new
// session. A server may permit one event stream for each session: then only one of the processes that share it receives
// notifications and requests of the server.
//
// The error is [InvalidArgument] if the text is invalid, or of another version of the library, another server, or a
// version or transport that the options before exclude.
func WithSavedSession(saved []byte) Option {
	return func(c *Client) error { return c.SetSavedSession(saved) }
}

// SetSavedSession sets the session that the first call continues; nil means none. See [WithSavedSession]. The error is
// [Misuse] after the first call.
func (c *Client) SetSavedSession(saved []byte) error {
	return c.set(func(client *C.mcp_client, failure **C.mcp_error) C.mcp_status {
		if saved == nil {
			return C.mcp_set_saved_session(client, nil, 0, failure)
		}
		t := jsonTextOf(saved)
		return C.mcp_set_saved_session(client, t.text, t.length, failure)
	})
}

type stateCallback struct {
	function func(State)
	running  *atomic.Int32
}

//export bridgeStateChanged
func bridgeStateChanged(handle C.uintptr_t, state C.int32_t) {
	callback := cgo.Handle(handle).Value().(*stateCallback)
	callback.running.Add(1)
	defer callback.running.Add(-1)
	_ = runCallback(func() error {
		callback.function(State(state))
		return nil
	})
}
