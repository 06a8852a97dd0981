package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"iter"
)

// A listing is one kind of what servers list.
type listing[T any] struct {
	// The member of a page that holds the elements.
	member string
	all    func(*C.mcp_client, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status
	page   func(*C.mcp_client, *C.char, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status
	// raw is where an element keeps its text.
	raw func(*T) *Result
}

// list gives the elements of all pages.
func (l listing[T]) list(ctx context.Context, c *Client, options []CallOption) ([]T, error) {
	result, err := c.result(ctx, options, l.all)
	if err != nil {
		return nil, err
	}
	elements, _, err := l.read(result)
	return elements, err
}

// mostCursors is how many cursors a loop over pages remembers.
const mostCursors = 10_000

// pages gives the elements as they come, and asks for a page when the one before has been used up. A page that leads to one that was
// read already is the last: some servers name the same cursor on every page.
func (l listing[T]) pages(ctx context.Context, c *Client, options []CallOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var nothing T
		used := make(map[string]struct{})
		for cursor := (*string)(nil); ; {
			result, err := l.ask(ctx, c, cursor, options)
			if err != nil {
				yield(nothing, err)
				return
			}
			elements, next, err := l.read(result)
			if err != nil {
				yield(nothing, err)
				return
			}
			for _, element := range elements {
				if !yield(element, nil) {
					return
				}
			}
			// An empty text is a cursor, too.
			if next == nil {
				return
			}
			if _, is := used[*next]; is {
				return
			}
			if len(used) < mostCursors {
				used[*next] = struct{}{}
			}
			cursor = next
		}
	}
}

func (l listing[T]) ask(ctx context.Context, c *Client, cursor *string, options []CallOption) (Result, error) {
	function := func(cursor *C.char) (Result, error) {
		return c.result(ctx, options, func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
			return l.page(c, cursor, o, result, e)
		})
	}
	if cursor == nil {
		return function(nil)
	}
	var result Result
	err := withText(*cursor, "the cursor", func(cursor *C.char) (err error) {
		result, err = function(cursor)
		return err
	})
	return result, err
}

// read takes a page apart.
func (l listing[T]) read(page Result) ([]T, *string, error) {
	var members map[string]json.RawMessage
	if err := page.understand(&members); err != nil {
		return nil, nil, err
	}
	var texts []Result
	if err := Result(members[l.member]).understand(&texts); err != nil {
		return nil, nil, err
	}
	elements := make([]T, len(texts))
	for i, text := range texts {
		if err := text.understand(&elements[i]); err != nil {
			return nil, nil, err
		}
		*l.raw(&elements[i]) = text
	}
	var next *string
	if text, is := members["nextCursor"]; is {
		if err := Result(text).understand(&next); err != nil {
			return nil, nil, err
		}
	}
	return elements, next, nil
}
