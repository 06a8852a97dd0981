package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"iter"
)

// A listing describes one of the protocol's list methods, such as tools/list.
type listing[T any] struct {
	// The member of a page that contains the elements.
	member string
	all    func(*C.mcp_client, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status
	page   func(*C.mcp_client, *C.char, *C.mcp_options, **C.mcp_json, **C.mcp_error) C.mcp_status
	// raw returns the Raw field of an element.
	raw func(*T) *Result
}

// list returns the elements of all pages.
func (l listing[T]) list(ctx context.Context, c *Client, options []CallOption) ([]T, error) {
	result, err := c.callResult(ctx, options, l.all)
	if err != nil {
		return nil, err
	}
	elements, _, err := l.parsePage(result)
	return elements, err
}

// maxCursors is the number of cursors that a loop over pages remembers.
const maxCursors = 10_000

// pages yields the elements, and requests each page when the loop has used the previous one. A page whose cursor was
// used before is the last one: some servers send the same cursor on every page.
func (l listing[T]) pages(ctx context.Context, c *Client, options []CallOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		used := make(map[string]struct{})
		for cursor := (*string)(nil); ; {
			result, err := l.fetchPage(ctx, c, cursor, options)
			if err != nil {
				yield(zero, err)
				return
			}
			elements, next, err := l.parsePage(result)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, element := range elements {
				if !yield(element, nil) {
					return
				}
			}
			// An empty string is a valid cursor.
			if next == nil {
				return
			}
			if _, ok := used[*next]; ok {
				return
			}
			if len(used) < maxCursors {
				used[*next] = struct{}{}
			}
			cursor = next
		}
	}
}

func (l listing[T]) fetchPage(ctx context.Context, c *Client, cursor *string, options []CallOption) (Result, error) {
	fetch := func(cursor *C.char) (Result, error) {
		return c.callResult(ctx, options,
			func(c *C.mcp_client, o *C.mcp_options, result **C.mcp_json, e **C.mcp_error) C.mcp_status {
				return l.page(c, cursor, o, result, e)
			})
	}
	if cursor == nil {
		return fetch(nil)
	}
	var result Result
	err := withCString(*cursor, "the cursor", func(cursor *C.char) (err error) {
		result, err = fetch(cursor)
		return err
	})
	return result, err
}

// parsePage returns the elements of a page and its nextCursor, which is nil on the last page.
func (l listing[T]) parsePage(page Result) ([]T, *string, error) {
	var members map[string]json.RawMessage
	if err := page.decodeLenient(&members); err != nil {
		return nil, nil, err
	}
	var texts []Result
	if err := Result(members[l.member]).decodeLenient(&texts); err != nil {
		return nil, nil, err
	}
	elements := make([]T, len(texts))
	for i, text := range texts {
		if err := text.decodeLenient(&elements[i]); err != nil {
			return nil, nil, err
		}
		*l.raw(&elements[i]) = text
	}
	var next *string
	if text, ok := members["nextCursor"]; ok {
		if err := Result(text).decodeLenient(&next); err != nil {
			return nil, nil, err
		}
	}
	return elements, next, nil
}
