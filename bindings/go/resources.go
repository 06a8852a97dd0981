package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"iter"
)

// A Resource is something that a server lets the program read (specification 2026-07-28, "Resources").
type Resource struct {
	URI         string `json:"uri"`
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	MIMEType    string `json:"mimeType"`
	// Raw is the whole resource as it came.
	Raw Result `json:"-"`
}

// A ResourceTemplate stands for resources whose URIs are alike (RFC 6570).
type ResourceTemplate struct {
	URITemplate string `json:"uriTemplate"`
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	MIMEType    string `json:"mimeType"`
	// Raw is the whole template as it came.
	Raw Result `json:"-"`
}

var resources = listing[Resource]{
	member: "resources",
	all: func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_list_resources(c, o, result, e)
	},
	page: func(c *C.mcp_client, cursor *C.char, o *C.mcp_options, page **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_list_resources_page(c, cursor, o, page, e)
	},
	raw: func(resource *Resource) *Result { return &resource.Raw },
}

var resourceTemplates = listing[ResourceTemplate]{
	member: "resourceTemplates",
	all: func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_list_resource_templates(c, o, result, e)
	},
	page: func(c *C.mcp_client, cursor *C.char, o *C.mcp_options, page **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_list_resource_templates_page(c, cursor, o, page, e)
	},
	raw: func(template *ResourceTemplate) *Result { return &template.Raw },
}

// ListResources lists all resources of the server.
func (c *Client) ListResources(ctx context.Context, options ...CallOption) ([]Resource, error) {
	return resources.list(ctx, c, options)
}

// Resources lists the resources page by page, as [Client.Tools] does.
func (c *Client) Resources(ctx context.Context, options ...CallOption) iter.Seq2[Resource, error] {
	return resources.pages(ctx, c, options)
}

// ListResourceTemplates lists all resource templates of the server.
func (c *Client) ListResourceTemplates(ctx context.Context, options ...CallOption) ([]ResourceTemplate, error) {
	return resourceTemplates.list(ctx, c, options)
}

// ResourceTemplates lists the resource templates page by page, as [Client.Tools] does.
func (c *Client) ResourceTemplates(ctx context.Context, options ...CallOption) iter.Seq2[ResourceTemplate, error] {
	return resourceTemplates.pages(ctx, c, options)
}

// ReadResource reads a resource: what is in it, and perhaps in others below it. One that does not exist is [RPCError], with the code
// -32602, or -32002 on servers up to 2025-11-25.
func (c *Client) ReadResource(ctx context.Context, uri string, options ...CallOption) ([]ResourceContents, error) {
	var result Result
	err := withText(uri, "the URI", func(uri *C.char) (err error) {
		result, err = c.result(ctx, options, func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_read_resource(c, uri, o, result, e)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	var read struct{ Contents []ResourceContents }
	err = result.understand(&read)
	return read.Contents, err
}
