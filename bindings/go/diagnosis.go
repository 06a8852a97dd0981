package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
)

// A Diagnosis is what [Client.Diagnose] found out.
type Diagnosis struct {
	// Client is the name of the client.
	Client string `json:"client"`
	// Server is the URL without secrets, or the program.
	Server string `json:"server"`
	// OK is false if a step has failed.
	OK bool `json:"ok"`
	// Steps are all steps, from the configuration to a ping.
	Steps []DiagnosisStep `json:"steps"`
	// Raw holds all members.
	Raw Result `json:"-"`
}

// A DiagnosisStep is one step of a [Diagnosis]. The documentation of mcp_diagnose in mcp.h describes the steps, and the
// members of their results.
type DiagnosisStep struct {
	// Name is "configuration", "process", "name" (the DNS lookup), "tcp", "proxy", "tls", "http", "authorization",
	// "protocol", "capabilities", "lists" or "ping".
	Name string `json:"step"`
	// OK is false if the step has failed, and nil if it was skipped.
	OK *bool `json:"ok"`
	// Milliseconds is how long the step took.
	Milliseconds float64 `json:"milliseconds"`
	// Result holds an object with what was found out; nil if there is nothing.
	Result json.RawMessage `json:"result"`
	// Warnings are problems that did not make the step fail.
	Warnings []string `json:"warnings"`
	// Problem says why the step has failed.
	Problem string `json:"problem"`
	// Remedy says what to do about the problem or the first warning, if that is known.
	Remedy string `json:"remedy"`
	// Reason says why the step was skipped.
	Reason string `json:"reason"`
}

// Diagnose tries every step of a connection to the server: the settings, the DNS lookup, TCP, a proxy, TLS, a request
// over HTTP, the metadata of the authorization, the negotiation of the protocol version, the capabilities, the lists,
// and a ping. A server that cannot be used is no error, but a [Diagnosis] that says why, and what to do about it.
//
// A step that fails ends only the steps that need it. The deadline of the context limits all steps together. No tool is
// called, and no login begins. The result contains no secrets.
func (c *Client) Diagnose(ctx context.Context, options ...CallOption) (*Diagnosis, error) {
	text, err := c.callResult(ctx, options,
		func(c *C.mcp_client, o *C.mcp_options, report **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_diagnose(c, o, report, e)
		})
	if err != nil {
		return nil, err
	}
	diagnosis := &Diagnosis{Raw: text}
	if err := text.decodeLenient(diagnosis); err != nil {
		return nil, err
	}
	return diagnosis, nil
}
