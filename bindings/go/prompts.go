package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"iter"
)

// A Prompt is a text that a server has ready (specification 2026-07-28, "Prompts").
type Prompt struct {
	Name        string           `json:"name"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Arguments   []PromptArgument `json:"arguments"`
	// Raw is the whole prompt as it came.
	Raw Result `json:"-"`
}

// A PromptArgument is what is to be filled in.
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

// ListPrompts lists all prompts of the server.
func (c *Client) ListPrompts(ctx context.Context, options ...CallOption) ([]Prompt, error) {
	return prompts.list(ctx, c, options)
}

// Prompts lists the prompts page by page, as [Client.Tools] does.
func (c *Client) Prompts(ctx context.Context, options ...CallOption) iter.Seq2[Prompt, error] {
	return prompts.pages(ctx, c, options)
}

// A PromptResult is a prompt with its arguments filled in.
type PromptResult struct {
	Description string          `json:"description"`
	Messages    []PromptMessage `json:"messages"`
	// Raw is the whole result as it came.
	Raw Result `json:"-"`
}

// A PromptMessage is one of a conversation.
type PromptMessage struct {
	// Role is "user" or "assistant".
	Role    string  `json:"role"`
	Content Content `json:"content"`
}

// GetPrompt gets a prompt with its arguments filled in; nil is none.
func (c *Client) GetPrompt(
	ctx context.Context, name string, arguments map[string]string, options ...CallOption,
) (*PromptResult, error) {
	text, err := c.named(ctx, name, object(arguments), options,
		func(c *C.mcp_client, name *C.char, a jsonText, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_get_prompt(c, name, a.text, a.length, o, result, e)
		})
	if err != nil {
		return nil, err
	}
	result := &PromptResult{Raw: text}
	if err := text.understand(result); err != nil {
		return nil, err
	}
	return result, nil
}

// A Completion is what may stand for an argument.
type Completion struct {
	Values []string `json:"values"`
	// Total is how many there are; 0 where the server does not say.
	Total   int  `json:"total"`
	HasMore bool `json:"hasMore"`
}

// CompletePrompt asks what may stand for an argument of a prompt that begins with value. Known are the arguments that have a value
// already; nil is none.
func (c *Client) CompletePrompt(
	ctx context.Context, prompt, argument, value string, known map[string]string, options ...CallOption,
) (*Completion, error) {
	return c.complete(ctx, prompt, argument, value, known, options,
		func(c *C.mcp_client, t [4]*C.char, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_complete_prompt(c, t[0], t[1], t[2], t[3], o, result, e)
		})
}

// CompleteResource is [Client.CompletePrompt] for an argument of a resource template, which is named by its URITemplate.
func (c *Client) CompleteResource(
	ctx context.Context, uriTemplate, argument, value string, known map[string]string, options ...CallOption,
) (*Completion, error) {
	return c.complete(ctx, uriTemplate, argument, value, known, options,
		func(c *C.mcp_client, t [4]*C.char, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return C.mcp_complete_resource(c, t[0], t[1], t[2], t[3], o, result, e)
		})
}

func (c *Client) complete(
	ctx context.Context, name, argument, value string, known map[string]string, options []CallOption,
	function func(*C.mcp_client, [4]*C.char, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status,
) (*Completion, error) {
	context, err := marshalled(object(known), "the known arguments")
	if err != nil {
		return nil, err
	}
	given := []string{name, argument, value}
	if context != nil {
		given = append(given, string(context))
	}
	var texts [4]*C.char
	var result Result
	err = withTexts(given, "the name, the argument or the value", func(all []*C.char) (err error) {
		copy(texts[:], all)
		result, err = c.result(ctx, options, func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return function(c, texts, o, result, e)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	var read struct{ Completion *Completion }
	if err := result.understand(&read); err != nil {
		return nil, err
	}
	if read.Completion == nil {
		read.Completion = new(Completion)
	}
	return read.Completion, nil
}

// object is nil for no members at all.
func object(members map[string]string) any {
	if len(members) == 0 {
		return nil
	}
	return members
}
