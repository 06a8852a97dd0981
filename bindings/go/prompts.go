package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"iter"
)

// A Prompt is a prompt template that a server offers (specification 2026-07-28, "Prompts").
type Prompt struct {
	Name        string           `json:"name"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Arguments   []PromptArgument `json:"arguments"`
	// Raw is the whole prompt as received.
	Raw Result `json:"-"`
}

// A PromptArgument describes an argument of a [Prompt].
type PromptArgument struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Required    bool   `json:"required"`
}

var prompts = listing[Prompt]{
	member: "prompts",
	all: func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_list_prompts(c, o, result, e)
	},
	page: func(c *C.mcp_client, cursor *C.char, o *C.mcp_options, page **C.mcp_json, e **C.mcp_error) C.mcp_status {
		return C.mcp_list_prompts_page(c, cursor, o, page, e)
	},
	raw: func(prompt *Prompt) *Result { return &prompt.Raw },
}

// ListPrompts returns all prompts of the server, from all pages. The error is [Endless] if the server sends too many
// pages.
func (c *Client) ListPrompts(ctx context.Context, options ...CallOption) ([]Prompt, error) {
	return prompts.list(ctx, c, options)
}

// Prompts yields the prompts, and requests each page when the loop reaches it. An error ends the loop. A page whose
// cursor was used before is the last one.
func (c *Client) Prompts(ctx context.Context, options ...CallOption) iter.Seq2[Prompt, error] {
	return prompts.pages(ctx, c, options)
}

// A PromptResult is a prompt with its arguments filled in.
type PromptResult struct {
	Description string          `json:"description"`
	Messages    []PromptMessage `json:"messages"`
	// Raw is the whole result as received.
	Raw Result `json:"-"`
}

// A PromptMessage is a message of a prompt's conversation.
type PromptMessage struct {
	// Role is "user" or "assistant".
	Role    string  `json:"role"`
	Content Content `json:"content"`
}

// GetPrompt returns a prompt with its arguments filled in. arguments may be nil.
func (c *Client) GetPrompt(
	ctx context.Context, name string, arguments map[string]string, options ...CallOption,
) (*PromptResult, error) {
	text, err := c.callNamed(ctx, name, nilIfEmpty(arguments), options,
		func(
			c *C.mcp_client, name *C.char, a jsonText, o *C.mcp_options, r **C.mcp_json, e **C.mcp_error,
		) C.mcp_status {
			return C.mcp_get_prompt(c, name, a.text, a.length, o, r, e)
		})
	if err != nil {
		return nil, err
	}
	result := &PromptResult{Raw: text}
	if err := text.decodeLenient(result); err != nil {
		return nil, err
	}
	return result, nil
}

// A Completion is a list of suggested values for an argument (specification 2026-07-28, "Completion").
type Completion struct {
	// Values has at most 100 elements.
	Values []string `json:"values"`
	// Total is the number of possible values; 0 if the server does not send it.
	Total int `json:"total"`
	// HasMore reports whether there are more values than these.
	HasMore bool `json:"hasMore"`
}

// CompletePrompt requests suggestions for the value of a prompt's argument. value is what the user has typed so far;
// known contains the values of other arguments, and may be nil.
func (c *Client) CompletePrompt(
	ctx context.Context, prompt, argument, value string, known map[string]string, options ...CallOption,
) (*Completion, error) {
	return c.complete(ctx, prompt, argument, value, known, options,
		func(
			c *C.mcp_client, t []*C.char, k jsonText, o *C.mcp_options, r **C.mcp_json, e **C.mcp_error,
		) C.mcp_status {
			return C.mcp_complete_prompt(c, t[0], t[1], t[2], k.text, k.length, o, r, e)
		})
}

// CompleteResource requests suggestions for the value of an argument of a resource template, which is identified by its
// URITemplate. value is what the user has typed so far; known contains the values of other arguments, and may be nil.
func (c *Client) CompleteResource(
	ctx context.Context, uriTemplate, argument, value string, known map[string]string, options ...CallOption,
) (*Completion, error) {
	return c.complete(ctx, uriTemplate, argument, value, known, options,
		func(
			c *C.mcp_client, t []*C.char, k jsonText, o *C.mcp_options, r **C.mcp_json, e **C.mcp_error,
		) C.mcp_status {
			return C.mcp_complete_resource(c, t[0], t[1], t[2], k.text, k.length, o, r, e)
		})
}

func (c *Client) complete(
	ctx context.Context, name, argument, value string, known map[string]string, options []CallOption,
	function func(*C.mcp_client, []*C.char, jsonText, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status,
) (*Completion, error) {
	knownJSON, err := marshal(nilIfEmpty(known), "the known arguments")
	if err != nil {
		return nil, err
	}
	texts := []string{name, argument, value}
	var result Result
	err = withCStrings(texts, "the name, the argument or the value", func(all []*C.char) (err error) {
		result, err = c.callResult(ctx, options,
			func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
				return function(c, all, jsonTextOf(knownJSON), o, result, e)
			})
		return err
	})
	if err != nil {
		return nil, err
	}
	var decoded struct{ Completion *Completion }
	if err := result.decodeLenient(&decoded); err != nil {
		return nil, err
	}
	if decoded.Completion == nil {
		decoded.Completion = new(Completion)
	}
	return decoded.Completion, nil
}

// nilIfEmpty returns nil instead of an empty map, so that no empty object is sent.
func nilIfEmpty(members map[string]string) any {
	if len(members) == 0 {
		return nil
	}
	return members
}
