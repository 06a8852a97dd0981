package mcp

// #include "bridge.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"unsafe"
)

// A Result is what a server answered, as JSON text.
type Result json.RawMessage

// Decode reads the result into what v points to, as [json.Unmarshal] does.
func (r Result) Decode(v any) error { return json.Unmarshal(r, v) }

// understand is Decode for what the protocol wants to be there. A member of another type keeps its zero value, as in the other
// languages: one odd block makes nothing of the rest unreadable.
func (r Result) understand(v any) error {
	err := tolerant(r.Decode(v))
	if err == nil {
		return nil
	}
	return &Error{
		Status: InvalidMessage, Message: oneLine("the server's result is not as the protocol wants it: " + err.Error()), RetryAfter: -1, cause: err,
	}
}

// tolerant drops the error about a value of another type: [json.Unmarshal] goes on after it.
func tolerant(err error) error {
	if _, is := err.(*json.UnmarshalTypeError); is {
		return nil
	}
	return err
}

// At gives the part that a JSON pointer points to, such as "/content/0/text" (RFC 6901); nil where there is none.
func (r Result) At(pointer string) (Result, error) {
	var part Result
	err := withText(pointer, "the pointer", func(pointer *C.char) error {
		var failure *C.mcp_error
		if len(r) == 0 {
			return invalid("the result is empty")
		}
		document := C.mcp_json_parse((*C.char)(unsafe.Pointer(&r[0])), C.size_t(len(r)), &failure)
		if document == nil {
			return taken(failure)
		}
		defer C.mcp_json_free(document)
		part = Result(raw(C.mcp_json_at(document, pointer)))
		return nil
	})
	return part, err
}

// MarshalJSON gives the text.
func (r Result) MarshalJSON() ([]byte, error) { return json.RawMessage(r).MarshalJSON() }

// UnmarshalJSON keeps the text.
func (r *Result) UnmarshalJSON(text []byte) error { return (*json.RawMessage)(r).UnmarshalJSON(text) }

// String gives the text.
func (r Result) String() string { return string(r) }

// raw copies the text of a value; nil for none.
func raw(value *C.mcp_json) json.RawMessage {
	var length C.size_t
	text := C.mcp_json_raw(value, &length)
	if text == nil {
		return nil
	}
	return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(text)), int(length)))
}

func freeText(text *C.char) { C.free(unsafe.Pointer(text)) }
