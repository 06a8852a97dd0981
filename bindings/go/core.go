package mcp

// #include "bridge.h"
import "C"

import (
	"sync"
	"sync/atomic"
)

// core is what a Client owns in C. It counts who uses it: the last one out frees, so nothing is freed under a call, and nobody waits
// for anybody. A lock around calls would not do: callbacks may close the client that they are called by.
type core struct {
	mu     sync.Mutex
	handle *C.mcp_client
	users  int
	closed bool
	// Callbacks that are running.
	callbacks atomic.Int32
}

// enter gives the client for a call; leave follows.
func (c *core) enter() (*C.mcp_client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handle == nil {
		return nil, &Error{Status: Closed, Message: "the client was closed; make a new one", RetryAfter: -1}
	}
	c.users++
	return c.handle, nil
}

func (c *core) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.freeIfDone()
}

// shut is enter for the one who closes; false where that was done before.
func (c *core) shut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.closed = true
	c.users++
	return true
}

// abandon frees a client that nobody closes. It never goes to the network.
func (c *core) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.freeIfDone()
}

func (c *core) freeIfDone() {
	if !c.closed || c.users > 0 || c.handle == nil {
		return
	}
	handle := c.handle
	c.handle = nil
	if c.callbacks.Load() > 0 {
		// No call is in flight, so it is the log function on the library's reader thread, and freeing waits for that.
		go C.mcp_client_free(handle)
		return
	}
	C.mcp_client_free(handle)
}
