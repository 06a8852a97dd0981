package mcp

// #include "bridge.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"unsafe"
)

// A Result is the JSON text of a server's result, or of a part of it.
type Result json.RawMessage

// Decode reads the result into what v points to, as [json.Unmarshal] does.
func (r Result) Decode(v any) error { return json.Unmarshal(r, v) }

// decodeLenient decodes into a type of this package. A member that has the wrong JSON type keeps its zero value, as in
// the other bindings: one invalid member must not make the rest unreadable.
func (r Result) decodeLenient(v any) error {
	err := ignoreTypeMismatch(r.Decode(v))
	if err == nil {
		return nil
	}
	message := sanitize("the server's result does not match the protocol: " + err.Error())
	return &Error{Status: InvalidMessage, Message: message, RetryAfter: -1, cause: err}
}

// ignoreTypeMismatch drops a *json.UnmarshalTypeError: [json.Unmarshal] decodes the rest after such an error.
func ignoreTypeMismatch(err error) error {
	if _, ok := err.(*json.UnmarshalTypeError); ok {
		return nil
	}
	return err
}

// At returns the value at a JSON pointer (RFC 6901), such as "/content/0/text"; nil if there is none. Errors are
// [InvalidArgument], if the pointer contains a NUL byte or the result is empty, and [InvalidJSON].
func (r Result) At(pointer string) (Result, error) {
	var part Result
	err := withCString(pointer, "the pointer", func(pointer *C.char) error {
		var failure *C.mcp_error
		if len(r) == 0 {
			return invalidArgument("the result is empty")
		}
		document := C.mcp_json_parse((*C.char)(unsafe.Pointer(&r[0])), C.size_t(len(r)), &failure)
		if document == nil {
			return errorFromC(failure)
		}
		defer C.mcp_json_free(document)
		part = Result(rawJSON(C.mcp_json_pointer(document, pointer)))
		return nil
	})
	return part, err
}

// MarshalJSON returns the JSON text.
func (r Result) MarshalJSON() ([]byte, error) { return json.RawMessage(r).MarshalJSON() }

// UnmarshalJSON stores a copy of the JSON text.
func (r *Result) UnmarshalJSON(text []byte) error { return (*json.RawMessage)(r).UnmarshalJSON(text) }

// String returns the JSON text.
func (r Result) String() string { return string(r) }

// rawJSON copies the JSON text of a value; nil for a NULL value.
func rawJSON(value *C.mcp_json) json.RawMessage {
	var length C.size_t
	text := C.mcp_json_raw(value, &length)
	if text == nil {
		return nil
	}
	return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(text)), int(length)))
}

func freeCString(text *C.char) { C.free(unsafe.Pointer(text)) }
