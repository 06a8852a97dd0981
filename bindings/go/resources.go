package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"iter"
)

// A Resource is data that the client can read from a server (specification 2026-07-28, "Resources").
type Resource struct {
	URI         string `json:"uri"`
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	MIMEType    string `json:"mimeType"`
	// Raw is the whole resource as received.
	Raw Result `json:"-"`
}

// A ResourceTemplate describes a set of resources by a URI template (RFC 6570).
type ResourceTemplate struct {
	URITemplate string `json:"uriTemplate"`
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	MIMEType    string `json:"mimeType"`
	// Raw is the whole template as received.
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

// ListResources returns all resources of the server, from all pages. The error is [Endless] if the server sends too
// many pages.
func (c *Client) ListResources(ctx context.Context, options ...CallOption) ([]Resource, error) {
	return resources.list(ctx, c, options)
}

// Resources yields the resources, and requests each page when the loop reaches it. An error ends the loop. A page whose
// cursor was used before is the last one.
func (c *Client) Resources(ctx context.Context, options ...CallOption) iter.Seq2[Resource, error] {
	return resources.pages(ctx, c, options)
}

// ListResourceTemplates returns all resource templates of the server, from all pages. The error is [Endless] if the
// server sends too many pages.
func (c *Client) ListResourceTemplates(ctx context.Context, options ...CallOption) ([]ResourceTemplate, error) {
	return resourceTemplates.list(ctx, c, options)
}

// ResourceTemplates yields the resource templates, and requests each page when the loop reaches it. An error ends the
// loop. A page whose cursor was used before is the last one.
func (c *Client) ResourceTemplates(ctx context.Context, options ...CallOption) iter.Seq2[ResourceTemplate, error] {
	return resourceTemplates.pages(ctx, c, options)
}

// ReadResource reads a resource. The result may have several contents, for example if it is a folder. If the
// resource does not exist, the error is [RPCError] with the code -32602, or -32002 on legacy servers.
func (c *Client) ReadResource(ctx context.Context, uri string, options ...CallOption) ([]ResourceContents, error) {
	var result Result
	err := withCString(uri, "the URI", func(uri *C.char) (err error) {
		result, err = c.callResult(ctx, options,
			func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
				return C.mcp_read_resource(c, uri, o, result, e)
			})
		return err
	})
	if err != nil {
		return nil, err
	}
	var decoded struct{ Contents []ResourceContents }
	err = result.decodeLenient(&decoded)
	return decoded.Contents, err
}
