package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"iter"
	"runtime/cgo"
	"unsafe"
)

// Changes selects the notifications of [Client.Listen].
type Changes struct {
	// Tools, Prompts and Resources select changes of the corresponding list.
	Tools, Prompts, Resources bool
	// URIs are the resources whose updates are selected.
	URIs []string
}

// A Change is a notification that something has changed on the server.
type Change struct {
	// Method is "notifications/tools/list_changed", "notifications/prompts/list_changed",
	// "notifications/resources/list_changed" or "notifications/resources/updated".
	Method string
	// URI is the URI of the updated resource; otherwise "".
	URI string
	// Params are the parameters as received; nil if there are none.
	Params Result
}

// Listen yields the selected changes until the loop or the context ends. The server may not support all of them; the
// log says which ones it does. If the connection is lost, the client reconnects; changes in the meantime are not
// reported. An error ends the loop; so does the end of the context, with its error. If the server ends the subscription
// regularly, the loop ends without an error. A timeout limits only the time until the subscription is established.
//
//	for change, err := range client.Listen(ctx, mcp.Changes{Tools: true}) { ... }
func (c *Client) Listen(ctx context.Context, changes Changes, options ...CallOption) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		// The C call runs on another goroutine, because the loop body may panic, and a panic must not unwind C
		// frames.
		received, done := make(chan Change), make(chan error, 1)
		go func() {
			done <- c.listen(ctx, changes, options, func(change Change) {
				select {
				case received <- change:
				case <-ctx.Done():
				}
			})
		}()
		for {
			select {
			case change := <-received:
				if !yield(change, nil) {
					stop()
					<-done
					return
				}
			case err := <-done:
				if err != nil {
					yield(Change{}, err)
				}
				return
			}
		}
	}
}

func (c *Client) listen(ctx context.Context, changes Changes, options []CallOption, deliver func(Change)) error {
	mask := C.uint32_t(0)
	for bit, selected := range map[C.uint32_t]bool{
		C.MCP_CHANGE_TOOLS:     changes.Tools,
		C.MCP_CHANGE_PROMPTS:   changes.Prompts,
		C.MCP_CHANGE_RESOURCES: changes.Resources,
	} {
		if selected {
			mask |= bit
		}
	}
	return withCStrings(changes.URIs, "a URI", func(uris []*C.char) error {
		return withArray(uris, func(uris **C.char) error {
			return c.call(ctx, options,
				func(c *C.mcp_client, o *C.mcp_options, e **C.mcp_error) C.mcp_status {
					// C deletes the handle, whether the call succeeds or not.
					handle := C.uintptr_t(cgo.NewHandle(deliver))
					return C.bridge_listen(c, mask, uris, handle, o, e)
				})
		})
	})
}

//export bridgeChange
func bridgeChange(handle C.uintptr_t, method *C.char, params *C.mcp_json) {
	change := Change{Method: C.GoString(method), Params: Result(rawJSON(params))}
	var decoded struct{ URI string }
	if change.Params != nil && change.Params.Decode(&decoded) == nil {
		change.URI = decoded.URI
	}
	cgo.Handle(handle).Value().(func(Change))(change)
}

// withArray calls use with a NULL-terminated C array of the texts, or with nil if there are none.
func withArray(texts []*C.char, use func(**C.char) error) error {
	if len(texts) == 0 {
		return use(nil)
	}
	array := (**C.char)(C.calloc(C.size_t(len(texts)+1), C.size_t(unsafe.Sizeof(texts[0]))))
	defer C.free(unsafe.Pointer(array))
	copy(unsafe.Slice(array, len(texts)), texts)
	return use(array)
}
