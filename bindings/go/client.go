package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
)

// A Client talks to one server. It is made by [New], [NewProcess] or [NewFromConfig] and ended by [Client.Close]; goroutines may share it.
// It must not be copied.
type Client struct {
	_    noCopy
	core *core
}

// noCopy is found by go vet where somebody copies it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// New makes a client for the server at url, such as "https://example.com/mcp", with what the options set. Nothing is sent yet: the
// first call connects. The URL is used as it stands, also with or without a slash at its end.
func New(url string, options ...Option) (*Client, error) {
	return newClient(options, func(failure **C.mcp_error) (made *C.mcp_client, err error) {
		err = withText(url, "the URL", func(url *C.char) error {
			made = C.mcp_client_new(url, failure)
			return nil
		})
		return made, err
	})
}

// newClient makes a client of what make gives, with the options.
func newClient(options []Option, make func(**C.mcp_error) (*C.mcp_client, error)) (*Client, error) {
	var failure *C.mcp_error
	handle, err := make(&failure)
	if err != nil {
		return nil, err
	}
	if handle == nil {
		return nil, taken(failure)
	}
	made := &core{handle: handle}
	client := &Client{core: made}
	runtime.AddCleanup(client, (*core).abandon, made)
	for _, option := range options {
		if err := option(client); err != nil {
			made.abandon()
			return nil, err
		}
	}
	return client, nil
}

// Close ends the client: every call in flight returns [Closed] within a moment, a server with sessions is told that this one is
// over, which takes at most the client's timeout, and every later call returns Closed. The error says why the server could not be
// told; the client is closed all the same. A second Close does nothing. The log function may call it, too; an [AuthFunc] must not.
func (c *Client) Close() error { return c.CloseContext(context.Background()) }

// CloseContext is Close, where the context limits how long telling the server may take.
func (c *Client) CloseContext(ctx context.Context) error {
	client := c.core.enterToClose()
	if client == nil {
		return nil
	}
	defer c.core.leave()
	asked := false
	close := func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		asked = true
		status := C.mcp_client_close(client, options, failure)
		if status != C.MCP_MISUSE {
			c.core.shut()
		}
		return status
	}
	// Also with a context that has ended: that is about telling the server only.
	err := begin(ctx, nil, close)
	if !asked {
		// The system had nothing left for the context.
		err = check(func(failure **C.mcp_error) C.mcp_status { return close(nil, failure) })
	}
	return err
}

// Connect finds out which protocol versions the server speaks, and opens a session where that version has sessions. Every call
// connects by itself; this shows early whether the server can be used at all. A bad token is not always seen here.
func (c *Client) Connect(ctx context.Context, options ...CallOption) error {
	return c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		return C.mcp_connect(client, options, failure)
	})
}

// Ping asks whether the server is there, and answers. That it does not fail means that the server answered, not that the token is
// good for its tools; where the server wants one for everything, a missing or wrong one is [Unauthorized].
func (c *Client) Ping(ctx context.Context, options ...CallOption) error {
	return c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		return C.mcp_ping(client, options, failure)
	})
}

// ServerInfo gives what the server said of itself when the client connected, and connects first where that is still to do: an object
// with "protocolVersion", "era", "transport", "capabilities", and where the server gives them "serverInfo", "instructions" and
// "supportedVersions". Nobody verifies it: it is for people to read.
func (c *Client) ServerInfo(ctx context.Context, options ...CallOption) (Result, error) {
	return c.result(ctx, options, func(c *C.mcp_client, o *C.mcp_options, info **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_server_info(c, o, info, e)
	})
}

// call runs a C function on the client, with a context.
func (c *Client) call(
	ctx context.Context, options []CallOption,
	function func(*C.mcp_client, *C.mcp_options, **C.mcp_error) C.mcp_status,
) error {
	client, err := c.core.enter()
	if err != nil {
		return err
	}
	defer c.core.leave()
	return run(ctx, options, func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		return function(client, options, failure)
	})
}

// set runs a C function that changes a setting.
func (c *Client) set(function func(*C.mcp_client, **C.mcp_error) C.mcp_status) error {
	client, err := c.core.enter()
	if err != nil {
		return err
	}
	defer c.core.leave()
	return check(func(failure **C.mcp_error) C.mcp_status { return function(client, failure) })
}
