package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
)

// ServerInfo is what a client learned about its server when it connected. The server's statements about itself are not
// verified: use them for display only.
type ServerInfo struct {
	// ProtocolVersion is the negotiated version, such as "2025-11-25".
	ProtocolVersion string `json:"protocolVersion"`
	// Era is "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on).
	Era string `json:"era"`
	// Transport is "streamable-http", "sse" or "stdio".
	Transport string `json:"transport"`
	// Server names the program that the server runs; its fields are "" if the server does not send it.
	Server Implementation `json:"serverInfo"`
	// Capabilities are the features that the server declares.
	Capabilities ServerCapabilities `json:"capabilities"`
	// Instructions say how to use the server; "" if it sends none.
	Instructions string `json:"instructions"`
	// SupportedVersions are all versions that a modern server supports.
	SupportedVersions []string `json:"supportedVersions"`
	// Raw holds all members.
	Raw Result `json:"-"`
}

// An Implementation names a program that implements the protocol.
type Implementation struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Title is the name for people; "" if there is none.
	Title string `json:"title"`
	// Description says what the program does; "" if there is none.
	Description string `json:"description"`
	// WebsiteURL is the URL of the program's website; "" if there is none.
	WebsiteURL string `json:"websiteUrl"`
}

// ServerCapabilities are the features that a server declares. A feature that it does not declare is nil.
type ServerCapabilities struct {
	Tools       *ServerCapability `json:"tools"`
	Resources   *ServerCapability `json:"resources"`
	Prompts     *ServerCapability `json:"prompts"`
	Completions *ServerCapability `json:"completions"`
	Logging     *ServerCapability `json:"logging"`
	// Tasks are those of version 2025-11-25. In later versions, they are one of the Extensions.
	Tasks *ServerCapability `json:"tasks"`
	// Extensions are the settings of the extensions that a modern server supports, by the extension's name.
	Extensions map[string]json.RawMessage `json:"extensions"`
	// Experimental are other features.
	Experimental map[string]json.RawMessage `json:"experimental"`
}

// A ServerCapability describes one of the [ServerCapabilities]. [Client.Listen] receives the changes.
type ServerCapability struct {
	// ListChanged: the server reports changes of the list of tools, resources or prompts.
	ListChanged bool `json:"listChanged"`
	// Subscribe: the server reports updates of a resource.
	Subscribe bool `json:"subscribe"`
}

// ServerInfo returns what the client learned about the server when it connected; it connects first if necessary.
func (c *Client) ServerInfo(ctx context.Context, options ...CallOption) (*ServerInfo, error) {
	text, err := c.callResult(ctx, options,
		func(c *C.mcp_client, o *C.mcp_options, info **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_server_info(c, o, info, e)
		})
	if err != nil {
		return nil, err
	}
	info := &ServerInfo{Raw: text}
	if err := text.decodeLenient(info); err != nil {
		return nil, err
	}
	return info, nil
}
