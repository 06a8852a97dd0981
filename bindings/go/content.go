package mcp

import "encoding/base64"

// Content is a block of what a tool says, of a prompt's message or of a sampling message (specification 2026-07-28, "Tools": Tool
// Result). Which members it has depends on its type. A member that the server sends as another type than the protocol's is left
// empty here; the Raw of the result has it.
type Content struct {
	// Type is "text", "image", "audio", "resource_link" or "resource".
	Type string `json:"type"`
	// Text is that of a text.
	Text string `json:"text,omitempty"`
	// Data is that of an image or of sound, in base64; see [Content.Bytes].
	Data     string `json:"data,omitempty"`
	MIMEType string `json:"mimeType,omitempty"`
	// URI and Name are those of a link.
	URI  string `json:"uri,omitempty"`
	Name string `json:"name,omitempty"`
	// Resource is one that is embedded.
	Resource *ResourceContents `json:"resource,omitempty"`
}

// Bytes decodes the data (RFC 4648, section 4).
func (c Content) Bytes() ([]byte, error) { return base64.StdEncoding.DecodeString(c.Data) }

// ResourceContents is what is in a resource: text, or bytes.
type ResourceContents struct {
	URI      string `json:"uri"`
	MIMEType string `json:"mimeType,omitempty"`
	Text     string `json:"text,omitempty"`
	// Blob is in base64; see [ResourceContents.Bytes].
	Blob string `json:"blob,omitempty"`
}

// Bytes decodes the blob (RFC 4648, section 4), or gives the bytes of the text where there is no blob.
func (r ResourceContents) Bytes() ([]byte, error) {
	if r.Blob == "" {
		return []byte(r.Text), nil
	}
	return base64.StdEncoding.DecodeString(r.Blob)
}
