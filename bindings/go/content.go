package mcp

// #include "bridge.h"
import "C"

import (
	"encoding/json"
	"unsafe"
)

// The values of [Content.Type] that the specification defines for results.
const (
	TextContent         = "text"
	ImageContent        = "image"
	AudioContent        = "audio"
	ResourceLinkContent = "resource_link"
	ResourceContent     = "resource"
)

// Content is a content block of a tool result, a prompt message or a sampling message (specification 2026-07-28,
// "Tools": Tool Result). Its type determines which fields are set. A member that has a different JSON type than the
// protocol requires is left empty here; it is still in the Raw field of the result.
type Content struct {
	// Type is [TextContent], [ImageContent], [AudioContent], [ResourceLinkContent], [ResourceContent], or a type that
	// this package does not know, such as "tool_use" in a sampling message. It is "" for a block without a member that
	// its type requires: so Resource is never nil in a received [ResourceContent].
	Type string `json:"type"`
	// Text is the text of a "text" block.
	Text string `json:"text,omitempty"`
	// Data is the content of an "image" or "audio" block in base64; see [Content.Bytes]. MIMEType is its type, or that
	// of the resource of a "resource_link" block.
	Data     string `json:"data,omitempty"`
	MIMEType string `json:"mimeType,omitempty"`
	// URI, Name, Title and Description describe the resource of a "resource_link" block.
	URI         string `json:"uri,omitempty"`
	Name        string `json:"name,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// Resource is the embedded resource of a "resource" block.
	Resource *ResourceContents `json:"resource,omitempty"`
	// Annotations are hints for clients, such as "audience"; nil if there are none.
	Annotations json.RawMessage `json:"annotations,omitempty"`
	// Meta is the "_meta" object of the block; nil if there is none.
	Meta json.RawMessage `json:"_meta,omitempty"`
	// Raw is the whole block as received, if Type is none of the five above; nil otherwise. If it is set, it is the
	// JSON of the block.
	Raw Result `json:"-"`
}

// plainContent has no methods.
type plainContent Content

// UnmarshalJSON decodes a block. Members that have the wrong JSON type are left empty. The contents of a resource,
// which have a URI and no type, become a [ResourceContent].
func (c *Content) UnmarshalJSON(text []byte) error {
	var block plainContent
	err := ignoreTypeMismatch(json.Unmarshal(text, &block))
	isValid := false
	switch block.Type {
	case TextContent:
		isValid = block.Text != "" || hasMembers(text, '"', "text")
	case ImageContent, AudioContent:
		isValid = block.Data != "" && block.MIMEType != "" || hasMembers(text, '"', "data", "mimeType")
	case ResourceLinkContent:
		isValid = block.URI != "" || hasMembers(text, '"', "uri")
	case ResourceContent:
		// An array leaves an empty resource.
		isValid = block.Resource != nil && block.Resource.URI != "" || hasMembers(text, '{', "resource")
	case "":
		if members := membersOf(text); members["type"] == nil && members["uri"] != nil {
			var contents ResourceContents
			err = ignoreTypeMismatch(json.Unmarshal(text, &contents))
			*c = Content{Type: ResourceContent, Resource: &contents}
			return err
		}
	default:
		block.Raw = append(Result(nil), text...)
		isValid = true
	}
	if !isValid {
		block.Type, block.Raw = "", append(Result(nil), text...)
	}
	if block.Type != ResourceContent {
		block.Resource = nil
	}
	*c = Content(block)
	return err
}

// hasMembers reports whether an object has all these members, with values that begin with this character.
func hasMembers(text []byte, first byte, names ...string) bool {
	members := membersOf(text)
	for _, name := range names {
		if value := members[name]; len(value) == 0 || value[0] != first {
			return false
		}
	}
	return true
}

// membersOf returns the members of an object; nil if the text is none.
func membersOf(text []byte) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return nil
	}
	return members
}

// MarshalJSON encodes a block.
func (c Content) MarshalJSON() ([]byte, error) {
	if c.Raw != nil {
		return c.Raw, nil
	}
	return json.Marshal(plainContent(c))
}

// Bytes decodes Data from base64, in any form that servers send: both alphabets of RFC 4648, with or without padding,
// with line breaks, and as a data URL. The error is [JSONRange] if Data is not base64.
func (c Content) Bytes() ([]byte, error) { return decodeBase64(c.Data) }

// ResourceContents is the content of a resource: text or binary data.
type ResourceContents struct {
	URI      string `json:"uri"`
	MIMEType string `json:"mimeType,omitempty"`
	Text     string `json:"text,omitempty"`
	// Blob is binary data in base64; see [ResourceContents.Bytes].
	Blob string `json:"blob,omitempty"`
	// Meta is the "_meta" object of the contents; nil if there is none.
	Meta json.RawMessage `json:"_meta,omitempty"`
}

// Bytes decodes Blob from base64, in the forms of [Content.Bytes], or returns the bytes of Text if there is no Blob.
func (r ResourceContents) Bytes() ([]byte, error) {
	if r.Blob == "" {
		return []byte(r.Text), nil
	}
	return decodeBase64(r.Blob)
}

// decodeBase64 decodes a text with the library, so that all languages accept the same forms.
func decodeBase64(text string) ([]byte, error) {
	if text == "" {
		return []byte{}, nil
	}
	quoted, err := marshal(text, "the text")
	if err != nil {
		return nil, err
	}
	var failure *C.mcp_error
	document := C.mcp_json_parse((*C.char)(unsafe.Pointer(&quoted[0])), C.size_t(len(quoted)), &failure)
	if document == nil {
		return nil, errorFromC(failure)
	}
	defer C.mcp_json_free(document)
	// Enough for any text of this length.
	data := make([]byte, len(text)/4*3+3)
	var length C.size_t
	err = check(func(f **C.mcp_error) C.mcp_status {
		return C.mcp_json_copy_base64(document, unsafe.Pointer(&data[0]), C.size_t(len(data)), &length, f)
	})
	if err != nil {
		return nil, err
	}
	return data[:length], nil
}
