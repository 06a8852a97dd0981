package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
)

// A Tool describes a tool of a server (specification 2026-07-28, "Tools").
type Tool struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	// InputSchema is the JSON schema of the arguments.
	InputSchema json.RawMessage `json:"inputSchema"`
	// OutputSchema is the JSON schema of the structured content; nil if there is none.
	OutputSchema json.RawMessage `json:"outputSchema"`
	// Annotations are the server's hints about the tool.
	Annotations ToolAnnotations `json:"annotations"`
	// Raw is the whole tool as received.
	Raw Result `json:"-"`
}

// ToolAnnotations are a server's hints about a tool. A hint that the server does not send has the default of the
// specification. The hints are not verified: do not rely on those of a server that you do not trust.
type ToolAnnotations struct {
	// Title is the tool's name for people. Newer servers send [Tool.Title] instead.
	Title string `json:"title"`
	// ReadOnlyHint: the tool changes nothing. The default is false.
	ReadOnlyHint bool `json:"readOnlyHint"`
	// DestructiveHint: the tool may delete or overwrite something, and not only add. The default is true. It has no
	// meaning for a read-only tool.
	DestructiveHint bool `json:"destructiveHint"`
	// IdempotentHint: repeated calls with the same arguments have no further effect. The default is false. It has
	// no meaning for a read-only tool.
	IdempotentHint bool `json:"idempotentHint"`
	// OpenWorldHint: the tool uses things outside the server's control, such as the web. The default is true.
	OpenWorldHint bool `json:"openWorldHint"`
}

// UnmarshalJSON decodes a tool. Hints that are missing or have a wrong type get their defaults.
func (t *Tool) UnmarshalJSON(text []byte) error {
	type plainTool Tool // without this method
	tool := plainTool{Annotations: ToolAnnotations{DestructiveHint: true, OpenWorldHint: true}}
	err := ignoreTypeMismatch(json.Unmarshal(text, &tool))
	*t = Tool(tool)
	return err
}

var tools = listing[Tool]{
	member: "tools",
	all: func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_list_tools(c, o, result, e)
	},
	page: func(c *C.mcp_client, cursor *C.char, o *C.mcp_options, page **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_list_tools_page(c, cursor, o, page, e)
	},
	raw: func(tool *Tool) *Result { return &tool.Raw },
}

// ListTools returns all tools of the server, from all pages. The error is [Endless] if the server sends too many pages.
func (c *Client) ListTools(ctx context.Context, options ...CallOption) ([]Tool, error) {
	return tools.list(ctx, c, options)
}

// Tools yields the tools, and requests each page when the loop reaches it. An error ends the loop. A page whose cursor
// was used before is the last one.
func (c *Client) Tools(ctx context.Context, options ...CallOption) iter.Seq2[Tool, error] {
	return tools.pages(ctx, c, options)
}

// A ToolResult is the result of a tool.
type ToolResult struct {
	Content []Content `json:"content"`
	// StructuredContent is an object, or any JSON value from a modern server; nil if there is none. See
	// [ToolResult.Decode].
	StructuredContent json.RawMessage `json:"structuredContent"`
	// IsError reports whether the tool failed; Content then says why. Only the JSON value true sets it.
	IsError bool `json:"isError"`
	// Meta is the "_meta" object of the result.
	Meta json.RawMessage `json:"_meta"`
	// Raw is the whole result as received.
	Raw Result `json:"-"`
}

// Text returns the text of all "text" blocks and embedded text resources, in order and separated by newlines.
func (r *ToolResult) Text() string {
	var texts []string
	for _, block := range r.Content {
		switch {
		case block.Type == "text":
			texts = append(texts, block.Text)
		case block.Type == "resource" && block.Resource != nil && block.Resource.Text != "":
			texts = append(texts, block.Resource.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// Decode decodes the structured content into v, as [json.Unmarshal] does. It does not check the content against the
// tool's OutputSchema.
func (r *ToolResult) Decode(v any) error { return Result(r.StructuredContent).Decode(v) }

// A ToolError reports that a tool was executed and failed.
type ToolError struct {
	// Name is the name of the tool, or the id of its task after [Client.WaitTask].
	Name string
	// Result is the result of the tool; its IsError is true.
	Result *ToolResult
}

// Error returns a message with the name of the tool and the text of its result.
func (e *ToolError) Error() string { return "the tool " + e.Name + " failed: " + e.Result.Text() }

// CallTool calls a tool and returns its result. arguments is a value that [encoding/json] encodes as an object, or nil
// for no arguments. If the tool fails, the error is a [*ToolError], and the result is returned as well; every other
// error is an [*Error].
//
// A tool is never executed twice: a request that the server may have executed is not sent again. The call then returns
// [Truncated], [Disconnected] or [SessionLost], and the message says that the tool may have been executed. While the
// call waits, the server may request input from the handlers of the client, such as [WithElicitation].
func (c *Client) CallTool(ctx context.Context, name string, arguments any, options ...CallOption) (*ToolResult, error) {
	result, err := c.callNamed(ctx, name, arguments, options,
		func(
			c *C.mcp_client, name *C.char, a jsonText, o *C.mcp_options, r **C.mcp_json, e **C.mcp_error,
		) C.mcp_status {
			return C.mcp_call_tool(c, name, a.text, a.length, o, r, e)
		})
	if err != nil {
		return nil, err
	}
	return toolResult(name, result)
}

func toolResult(name string, text Result) (*ToolResult, error) {
	result := &ToolResult{Raw: text}
	if err := text.decodeLenient(result); err != nil {
		return nil, err
	}
	if result.IsError {
		return result, &ToolError{name, result}
	}
	return result, nil
}
