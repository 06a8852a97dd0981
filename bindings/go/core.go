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
	// There is, or was, a callback: freeing may wait for it.
	hooks atomic.Bool
}

// enter gives the client for a call; leave follows.
func (c *core) enter() (*C.mcp_client, error) {
	if client := c.enterToClose(); client != nil {
		return client, nil
	}
	return nil, &Error{Status: Closed, Message: "the client was closed; make a new one", RetryAfter: -1}
}

// enterToClose is enter for the one who closes; nil where that was done before.
func (c *core) enterToClose() *C.mcp_client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.users++
	return c.handle
}

func (c *core) leave() {
	c.mu.Lock()
	c.users--
	done := c.done()
	c.mu.Unlock()
	// Without the lock: the end waits for a callback on the reader's thread, and that may call methods of the client.
	switch {
	case done == nil:
	case c.hooks.Load() || c.callbacks.Load() > 0:
		go C.mcp_client_free(done)
	default:
		C.mcp_client_free(done)
	}
}

// shut says that C has closed the client.
func (c *core) shut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// abandon frees a client that nobody closes. It never goes to the network, but may wait for the end of a process.
func (c *core) abandon() {
	c.mu.Lock()
	c.closed = true
	done := c.done()
	c.mu.Unlock()
	if done != nil {
		go C.mcp_client_free(done)
	}
}

// done takes the client out for its end, where nobody needs it any more.
func (c *core) done() *C.mcp_client {
	if !c.closed || c.users > 0 {
		return nil
	}
	handle := c.handle
	c.handle = nil
	return handle
}
