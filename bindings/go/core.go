package mcp

// #include "bridge.h"
import "C"

import (
	"sync"
	"sync/atomic"
)

// core owns the C client of a Client and counts the calls that use it. The last call to end after a close frees the C
// client, so that it is never freed during a call, and Close does not wait for calls to end. A lock around calls would
// deadlock: a callback may close the client that called it.
type core struct {
	mu     sync.Mutex
	handle *C.mcp_client
	refs   int
	closed bool
	// The number of callbacks that are running.
	runningCallbacks atomic.Int32
	// Whether a callback was ever set: then mcp_client_free may wait for it.
	hasCallbacks atomic.Bool
	// Whether handlers were ever set that get a context: then they need the contexts of the calls.
	hasHandlers atomic.Bool
}

// acquire returns the C client for a call. The caller must call release after the call.
func (c *core) acquire() (*C.mcp_client, error) {
	if client := c.acquireToClose(); client != nil {
		return client, nil
	}
	return nil, &Error{Status: Closed, Message: "the client was closed; make a new one", RetryAfter: -1}
}

// acquireToClose returns the C client, or nil if it is closed already. The caller must call release unless it got nil.
func (c *core) acquireToClose() *C.mcp_client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.refs++
	return c.handle
}

func (c *core) release() {
	c.mu.Lock()
	c.refs--
	unused := c.takeIfUnused()
	c.mu.Unlock()
	// Free without the lock: mcp_client_free waits for callbacks on the reader thread, and they may call methods of
	// this client.
	switch {
	case unused == nil:
	case c.hasCallbacks.Load() || c.runningCallbacks.Load() > 0:
		go C.mcp_client_free(unused)
	default:
		C.mcp_client_free(unused)
	}
}

// markClosed records that mcp_client_close has closed the C client.
func (c *core) markClosed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// freeWithoutClosing frees a client that was not closed. It sends nothing, but may wait for a server process to end, so
// it frees on a new goroutine.
func (c *core) freeWithoutClosing() {
	c.mu.Lock()
	c.closed = true
	unused := c.takeIfUnused()
	c.mu.Unlock()
	if unused != nil {
		go C.mcp_client_free(unused)
	}
}

// takeIfUnused removes and returns the C client if it is closed and no call uses it; otherwise it returns nil.
func (c *core) takeIfUnused() *C.mcp_client {
	if !c.closed || c.refs > 0 {
		return nil
	}
	handle := c.handle
	c.handle = nil
	return handle
}
