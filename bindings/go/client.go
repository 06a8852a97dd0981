package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
)

// A Client talks to one server. Make it with [New], [NewProcess] or [NewFromConfig], and close it with [Client.Close].
// Any number of goroutines may use it at the same time. It must not be copied.
type Client struct {
	_    noCopy
	core *core
}

// noCopy makes go vet report copies of the type that contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// New makes a client for the server at url, such as "https://example.com/mcp", and applies the options. It sends
// nothing: the first call connects. The URL is used unchanged, with or without a slash at its end. The error is
// [InvalidArgument] for a URL or an option that is invalid.
func New(url string, options ...Option) (*Client, error) {
	return newClient(options, func(failure **C.mcp_error) (client *C.mcp_client, err error) {
		err = withCString(url, "the URL", func(url *C.char) error {
			client = C.mcp_client_new(url, failure)
			return nil
		})
		return client, err
	})
}

// newClient makes a Client with a C client from create, and applies the options.
func newClient(options []Option, create func(**C.mcp_error) (*C.mcp_client, error)) (*Client, error) {
	var failure *C.mcp_error
	handle, err := create(&failure)
	if err != nil {
		return nil, err
	}
	if handle == nil {
		return nil, errorFromC(failure)
	}
	owner := &core{handle: handle}
	client := &Client{core: owner}
	runtime.AddCleanup(client, (*core).freeWithoutClosing, owner)
	for _, option := range options {
		if err := option(client); err != nil {
			owner.freeWithoutClosing()
			return nil, err
		}
	}
	return client, nil
}

// Close closes the client. Calls in flight return [Closed] within a moment, and so do all later calls. If the server
// has sessions, Close also ends the session on the server, which takes at most the client's timeout. An error says why
// that request failed; the client is closed nevertheless. A second Close does nothing. Callbacks and handlers may call
// Close.
func (c *Client) Close() error { return c.CloseContext(context.Background()) }

// CloseContext closes the client like [Client.Close], but the context limits how long it may take to end the session on
// the server. The client is closed even if the context is already done.
func (c *Client) CloseContext(ctx context.Context) error {
	client := c.core.acquireToClose()
	if client == nil {
		return nil
	}
	defer c.core.release()
	close := func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		if c.core.hasHandlers.Load() {
			setCallContext(ctx, options)
		}
		status := C.mcp_client_close(client, options, failure)
		if status != C.MCP_MISUSE {
			c.core.markClosed()
		}
		return status
	}
	// Also if the context is done: it only limits the request that ends the session.
	return runCallEvenIfDone(ctx, nil, close)
}

// Name returns the name of the client: that of [WithName], or the one that the server has in its configuration file;
// otherwise the host of the URL, or the program. It is "" after Close.
func (c *Client) Name() string {
	client := c.core.acquireToClose()
	if client == nil {
		return ""
	}
	defer c.core.release()
	return C.GoString(C.mcp_client_name(client))
}

// Connect negotiates the protocol version with the server, and opens a session if that version has sessions. It is
// optional, because every call connects first if necessary; use it to find out early whether the server can be used.
// Connect does not always detect an invalid token: some servers check credentials only later.
func (c *Client) Connect(ctx context.Context, options ...CallOption) error {
	return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
		return C.mcp_connect(c, o, e)
	})
}

// Ping checks that the server responds; any JSON-RPC response counts, even an error. Success does not mean that the
// token is valid for the server's tools: a server may allow pings without credentials. Otherwise a missing or wrong
// token is [Unauthorized]. The result is never cached.
func (c *Client) Ping(ctx context.Context, options ...CallOption) error {
	return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
		return C.mcp_ping(c, o, e)
	})
}

// call calls a C function on the client, with a context and options.
func (c *Client) call(
	ctx context.Context, options []CallOption,
	function func(*C.mcp_client, *C.mcp_options, **C.mcp_error) C.mcp_status,
) error {
	client, err := c.core.acquire()
	if err != nil {
		return err
	}
	defer c.core.release()
	if ctx.Value(authKey{c.core}) != nil {
		const message = "a call on the client of the AuthFunc would wait for the AuthFunc"
		return &Error{Status: Misuse, Message: message, RetryAfter: -1}
	}
	return runCall(ctx, options, func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		if c.core.hasHandlers.Load() {
			setCallContext(ctx, options)
		}
		return function(client, options, failure)
	})
}

// set calls a C function that changes a setting.
func (c *Client) set(function func(*C.mcp_client, **C.mcp_error) C.mcp_status) error {
	client, err := c.core.acquire()
	if err != nil {
		return err
	}
	defer c.core.release()
	return check(func(failure **C.mcp_error) C.mcp_status { return function(client, failure) })
}
