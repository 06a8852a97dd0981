package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
)

// A Client talks to one server. It is made by [New] and ended by [Client.Close]; goroutines may share it.
type Client struct {
	core *core
}

// New makes a client for the server at url, such as "https://example.com/mcp", with what the options set. Nothing is sent yet: the
// first call connects. The URL is used as it stands, also with or without a slash at its end.
func New(url string, options ...Option) (*Client, error) {
	made := new(core)
	err := withText(url, "the URL", func(url *C.char) error {
		var failure *C.mcp_error
		if made.handle = C.mcp_client_new(url, &failure); made.handle == nil {
			return taken(failure)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	client := &Client{made}
	for _, option := range options {
		if err := option(client); err != nil {
			made.abandon()
			return nil, err
		}
	}
	runtime.AddCleanup(client, (*core).abandon, made)
	return client, nil
}

// Close ends the client: every call in flight returns [Closed] within a moment, a server with sessions is told that this one is
// over, which takes at most the client's timeout, and every later call returns Closed. The error says why the server could not be
// told; the client is closed all the same. A second Close does nothing. Callbacks may call it, too.
func (c *Client) Close() error { return c.CloseContext(context.Background()) }

// CloseContext is Close, where the context limits how long telling the server may take.
func (c *Client) CloseContext(ctx context.Context) error {
	if !c.core.shut() {
		return nil
	}
	defer c.core.leave()
	return run(ctx, nil, func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		return C.mcp_client_close(c.core.handle, options, failure)
	})
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
	var info *C.mcp_json
	err := c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		return C.mcp_server_info(client, options, &info, failure)
	})
	defer C.mcp_json_free(info)
	return Result(raw(info)), err
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
