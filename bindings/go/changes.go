package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"iter"
	"runtime/cgo"
	"unsafe"
)

// Changes says what [Client.Listen] listens for.
type Changes struct {
	// Tools, Prompts and Resources are the lists.
	Tools, Prompts, Resources bool
	// URIs are resources whose contents matter.
	URIs []string
}

// A Change is what has changed.
type Change struct {
	// Method is "notifications/tools/list_changed", "notifications/prompts/list_changed",
	// "notifications/resources/list_changed" or "notifications/resources/updated".
	Method string
	// URI is that of a resource that was updated.
	URI string
	// Params are the whole parameters; nil where there are none.
	Params Result
}

// Listen gives changes until the loop ends, or the context. The server may not watch all of it; the log says what it does. When the
// connection breaks it is opened again; what changed meanwhile is not told. An error ends the loop, also that of the context's end;
// when the server ends it in good order, there is none. A timeout governs the opening only.
//
//	for change, err := range client.Listen(ctx, mcp.Changes{Tools: true}) { ... }
func (c *Client) Listen(ctx context.Context, changes Changes, options ...CallOption) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		// The loop's body runs on its own goroutine, and not inside of a call of C, which must not be left by a panic.
		came, end := make(chan Change), make(chan error, 1)
		go func() {
			end <- c.listen(ctx, changes, options, func(change Change) {
				select {
				case came <- change:
				case <-ctx.Done():
				}
			})
		}()
		for {
			select {
			case change := <-came:
				if !yield(change, nil) {
					stop()
					<-end
					return
				}
			case err := <-end:
				if err != nil {
					yield(Change{}, err)
				}
				return
			}
		}
	}
}

func (c *Client) listen(ctx context.Context, changes Changes, options []CallOption, take func(Change)) error {
	wanted := C.uint32_t(0)
	for change, ok := range map[C.uint32_t]bool{
		C.MCP_CHANGE_TOOLS: changes.Tools, C.MCP_CHANGE_PROMPTS: changes.Prompts, C.MCP_CHANGE_RESOURCES: changes.Resources,
	} {
		if is {
			wanted |= change
		}
	}
	handle := cgo.NewHandle(take)
	defer handle.Delete()
	return withCStrings(changes.URIs, "a URI", func(uris []*C.char) error {
		return withArray(uris, func(uris **C.char) error {
			return c.call(ctx, options, func(client *C.mcp_client, options *C.mcp_options, failure **C.mcp_error) C.mcp_status {
				return C.bridge_listen(client, wanted, uris, C.uintptr_t(handle), options, failure)
			})
		})
	})
}

//export bridgeChange
func bridgeChange(handle C.uintptr_t, method *C.char, params *C.mcp_json) {
	change := Change{Method: C.GoString(method), Params: Result(rawJSON(params))}
	var read struct{ URI string }
	if change.Params != nil && change.Params.Decode(&read) == nil {
		change.URI = read.URI
	}
	cgo.Handle(handle).Value().(func(Change))(change)
}

// withArray runs use with an array as C wants it, with a NULL behind the last one; no elements are no array.
func withArray(texts []*C.char, use func(**C.char) error) error {
	if len(texts) == 0 {
		return use(nil)
	}
	array := (**C.char)(C.calloc(C.size_t(len(texts)+1), C.size_t(unsafe.Sizeof(texts[0]))))
	defer C.free(unsafe.Pointer(array))
	copy(unsafe.Slice(array, len(texts)), texts)
	return use(array)
}
