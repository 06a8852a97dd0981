package mcp

import "encoding/base64"

// Content is a content block of a tool result, a prompt message or a sampling message (specification 2026-07-28,
// "Tools": Tool Result). Its type determines which fields are set. A member that has a different JSON type than the
// protocol requires is left empty here; it is still in the Raw field of the result.
type Content struct {
	// Type is "text", "image", "audio", "resource_link" or "resource".
	Type string `json:"type"`
	// Text is the text of a "text" block.
	Text string `json:"text,omitempty"`
	// Data is the content of an "image" or "audio" block in base64; see [Content.Bytes]. MIMEType is its type.
	Data     string `json:"data,omitempty"`
	MIMEType string `json:"mimeType,omitempty"`
	// URI and Name describe the resource of a "resource_link" block.
	URI  string `json:"uri,omitempty"`
	Name string `json:"name,omitempty"`
	// Resource is the embedded resource of a "resource" block.
	Resource *ResourceContents `json:"resource,omitempty"`
}

// Bytes decodes Data from base64 (RFC 4648, section 4).
func (c Content) Bytes() ([]byte, error) { return base64.StdEncoding.DecodeString(c.Data) }

// ResourceContents is the content of a resource: text or binary data.
type ResourceContents struct {
	URI      string `json:"uri"`
	MIMEType string `json:"mimeType,omitempty"`
	Text     string `json:"text,omitempty"`
	// Blob is binary data in base64; see [ResourceContents.Bytes].
	Blob string `json:"blob,omitempty"`
}

// Bytes decodes Blob from base64 (RFC 4648, section 4), or returns the bytes of Text if there is no Blob.
func (r ResourceContents) Bytes() ([]byte, error) {
	if r.Blob == "" {
		return []byte(r.Text), nil
	}
	return base64.StdEncoding.DecodeString(r.Blob)
}
