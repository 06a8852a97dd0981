package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"unsafe"
)

// Request sends any request, such as one of an extension, and gives its result as it came. The params are whatever [encoding/json]
// makes an object of; nil is none. It is sent once: where it is not known whether the server has executed it, it is not sent again.
func (c *Client) Request(ctx context.Context, method string, params any, options ...CallOption) (Result, error) {
	return c.named(ctx, method, params, options,
		func(c *C.mcp_client, method *C.char, p jsonText, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_request(c, method, p.text, p.length, o, result, e)
		})
}

// Notify sends any notification; there is no answer.
func (c *Client) Notify(ctx context.Context, method string, params any, options ...CallOption) error {
	text, err := marshalled(params, "the params")
	if err != nil {
		return err
	}
	return withText(method, "the method", func(method *C.char) error {
		return c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
			p := jsonTextOf(text)
			return C.mcp_notify(client, method, p.text, p.length, options, failure)
		})
	})
}

// A jsonText is JSON as C takes it; it lives as long as the Go text that it was made of.
type jsonText struct {
	text   *C.char
	length C.size_t
}

func jsonTextOf(text []byte) jsonText {
	return jsonText{(*C.char)(unsafe.Pointer(unsafe.SliceData(text))), C.size_t(len(text))}
}

// marshalled is the JSON text of a value; nil for nil.
func marshalled(value any, what string) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		failure := invalid(what + " cannot be made JSON: " + err.Error())
		failure.cause = err
		return nil, failure
	}
	return text, nil
}

// named runs a C function that takes a name and JSON, and gives a result.
func (c *Client) named(
	ctx context.Context, name string, value any, options []CallOption,
	function func(*C.mcp_client, *C.char, jsonText, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status,
) (Result, error) {
	text, err := marshalled(value, "the arguments")
	if err != nil {
		return nil, err
	}
	var result Result
	err = withText(name, "the name", func(name *C.char) (err error) {
		result, err = c.result(ctx, options, func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return function(c, name, jsonTextOf(text), o, result, e)
		})
		return err
	})
	return result, err
}

// result runs a C function that gives a result.
func (c *Client) result(
	ctx context.Context, options []CallOption,
	function func(*C.mcp_client, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status,
) (Result, error) {
	var result *C.mcp_json
	err := c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
		return function(client, options, &result, failure)
	})
	defer C.mcp_json_free(result)
	return Result(raw(result)), err
}
