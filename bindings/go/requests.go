package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"unsafe"
)

// Request sends a request with any method, such as one of an extension, and returns its result as received. params is a
// value that [encoding/json] encodes as an object, or nil for no params. A request that the server may have executed is
// not sent again.
func (c *Client) Request(ctx context.Context, method string, params any, options ...CallOption) (Result, error) {
	return c.callNamed(ctx, method, params, options,
		func(
			c *C.mcp_client, method *C.char, p jsonText, o *C.mcp_options, r **C.mcp_json, e **C.mcp_error,
		) C.mcp_status {
			return C.mcp_request(c, method, p.text, p.length, o, r, e)
		})
}

// Notify sends a notification with any method; it has no result. params is a value that [encoding/json] encodes as an
// object, or nil for no params.
func (c *Client) Notify(ctx context.Context, method string, params any, options ...CallOption) error {
	text, err := marshal(params, "the params")
	if err != nil {
		return err
	}
	return withCString(method, "the method", func(method *C.char) error {
		return c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
			p := jsonTextOf(text)
			return C.mcp_notify(c, method, p.text, p.length, o, e)
		})
	})
}

// A jsonText is JSON text for a C function: a pointer into Go memory, which must stay alive, and its length.
type jsonText struct {
	text   *C.char
	length C.size_t
}

func jsonTextOf(text []byte) jsonText {
	return jsonText{(*C.char)(unsafe.Pointer(unsafe.SliceData(text))), C.size_t(len(text))}
}

// marshal returns the JSON text of a value; nil for nil.
func marshal(value any, what string) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		failure := invalidArgument(what + " cannot be encoded as JSON: " + err.Error())
		failure.cause = err
		return nil, failure
	}
	return text, nil
}

// callNamed calls a C function that takes a name and JSON, and returns its result.
func (c *Client) callNamed(
	ctx context.Context, name string, value any, options []CallOption,
	function func(*C.mcp_client, *C.char, jsonText, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status,
) (Result, error) {
	text, err := marshal(value, "the arguments")
	if err != nil {
		return nil, err
	}
	var result Result
	err = withCString(name, "the name", func(name *C.char) (err error) {
		result, err = c.callResult(ctx, options,
			func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
				return function(c, name, jsonTextOf(text), o, result, e)
			})
		return err
	})
	return result, err
}

// callResult calls a C function, and returns its result.
func (c *Client) callResult(
	ctx context.Context, options []CallOption,
	function func(*C.mcp_client, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status,
) (Result, error) {
	var result *C.mcp_json
	err := c.call(ctx, options, func(c *C.mcp_client, o *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		return function(c, o, &result, failure)
	})
	defer C.mcp_json_free(result)
	return Result(rawJSON(result)), err
}
