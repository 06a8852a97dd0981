package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
)

// A Tool is what a server can do for the program (specification 2026-07-28, "Tools").
type Tool struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	// InputSchema is the JSON schema of the arguments.
	InputSchema json.RawMessage `json:"inputSchema"`
	// OutputSchema is that of the structured content; nil where there is none.
	OutputSchema json.RawMessage `json:"outputSchema"`
	// Raw is the whole tool as it came.
	Raw Result `json:"-"`
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

// ListTools lists all tools of the server. A server whose pages lead on and on is [Endless].
func (c *Client) ListTools(ctx context.Context, options ...CallOption) ([]Tool, error) {
	return tools.list(ctx, c, options)
}

// Tools lists the tools page by page: the next page is asked for when the loop gets there. An error ends the loop, and so does a page
// that leads to one that was read already.
func (c *Client) Tools(ctx context.Context, options ...CallOption) iter.Seq2[Tool, error] {
	return tools.pages(ctx, c, options)
}

// A ToolResult is what a tool has to say.
type ToolResult struct {
	Content []Content `json:"content"`
	// StructuredContent is an object, from 2026-07-28 on any value; nil where there is none. See [ToolResult.Decode].
	StructuredContent json.RawMessage `json:"structuredContent"`
	// IsError says that the tool failed; what it says is why. Only the JSON value true does.
	IsError bool `json:"isError"`
	// Meta is the "_meta" of the result.
	Meta json.RawMessage `json:"_meta"`
	// Raw is the whole result as it came.
	Raw Result `json:"-"`
}

// Text gives the texts of the content, each on a line of its own: those of its blocks of the type "text", and those of embedded
// resources.
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

// Decode reads the structured content into what v points to, as [json.Unmarshal] does. Whether it is what the tool's OutputSchema
// promises is for the caller to check.
func (r *ToolResult) Decode(v any) error { return Result(r.StructuredContent).Decode(v) }

// A ToolError says that a tool was called, and failed.
type ToolError struct {
	// Name is the tool's.
	Name string
	// Result is what it said.
	Result *ToolResult
}

// Error gives the name and the text.
func (e *ToolError) Error() string { return "the tool " + e.Name + " failed: " + e.Result.Text() }

// CallTool calls a tool. The arguments are whatever [encoding/json] makes an object of; nil is none. A tool that fails is a
// [*ToolError], and its result is returned as well; every other error is an [*Error].
//
// A tool is never called twice: where it is not known whether the server has executed the call, it is not sent again. While it
// waits, handlers that are set may be asked for input.
func (c *Client) CallTool(ctx context.Context, name string, arguments any, options ...CallOption) (*ToolResult, error) {
	result, err := c.callNamed(ctx, name, arguments, options,
		func(c *C.mcp_client, name *C.char, a jsonText, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_call_tool(c, name, a.text, a.length, o, result, e)
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
