package mcp

// #include "bridge.h"
import "C"

import (
	"encoding/json"
	"math"
	"runtime/cgo"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Error describes why a call failed. It contains no token and no request header value.
type Error struct {
	// Status is the kind of failure; errors.Is(err, mcp.Unauthorized) compares it.
	Status Status
	// Message says what failed, where, why, and what to do about it: one line of text for people. Its wording may
	// change.
	Message string
	// HTTPStatus is the HTTP status of the response that caused the error, such as 401; 0 if there was none.
	HTTPStatus int
	// RPC is the server's JSON-RPC error; nil if there was none.
	RPC *RPC
	// Challenge is the server's challenge (RFC 9110, section 11.6.1); "" if it sent none.
	Challenge string
	// RetryAfter is the time to wait before a retry, from the server's Retry-After header; negative if there is
	// none.
	RetryAfter time.Duration
	// OAuthCode is the error code of the authorization server, such as "access_denied" or "invalid_scope"; "" if it
	// sent none.
	OAuthCode string

	cause error
}

// RPC is the content of a JSON-RPC error (JSON-RPC 2.0, section 5.1).
type RPC struct {
	// Code is the error code, such as -32601.
	Code int64
	// Data is the error's "data" member; nil if it has none.
	Data json.RawMessage
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Is reports whether target is the [Status] of the error.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap returns the underlying error: the cause of the context that ended the call, the error that a handler, the
// [AuthFunc] or the Open function of an [OAuth] returned, or the error of [encoding/json]; nil if there is none.
func (e *Error) Unwrap() error { return e.cause }

// Timeout reports whether the status is [TimedOut]; os.IsTimeout uses it.
func (e *Error) Timeout() bool { return e.Status == TimedOut }

// errorFromC converts a C error to a Go error, and frees the C error.
func errorFromC(failure *C.mcp_error) *Error {
	defer C.mcp_error_free(failure)
	err := &Error{
		Status:     Status(C.mcp_error_status(failure)),
		Message:    C.GoString(C.mcp_error_message(failure)),
		HTTPStatus: int(C.mcp_error_http_status(failure)),
		Challenge:  C.GoString(C.mcp_error_challenge(failure)),
		RetryAfter: -1,
		OAuthCode:  C.GoString(C.mcp_error_oauth_code(failure)),
	}
	if C.mcp_error_has_rpc_code(failure) {
		err.RPC = &RPC{Code: int64(C.mcp_error_rpc_code(failure)), Data: rawJSON(C.mcp_error_rpc_data(failure))}
	}
	if ms := C.mcp_error_retry_after_ms(failure); ms >= 0 {
		err.RetryAfter = time.Duration(min(int64(ms), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	}
	if handle := C.bridge_error_cause(failure); handle != 0 {
		err.cause, _ = cgo.Handle(handle).Value().(error)
	}
	return err
}

// check calls a C function, and converts its failure to an *Error.
func check(call func(failure **C.mcp_error) C.mcp_status) error {
	var failure *C.mcp_error
	if call(&failure) != C.MCP_OK {
		return errorFromC(failure)
	}
	return nil
}

// invalidArgument returns the error for an argument that this package rejects before it calls C.
func invalidArgument(why string) *Error {
	return &Error{Status: InvalidArgument, Message: sanitize(why), RetryAfter: -1}
}

// maxMessage is the maximum length of an error message, in bytes.
const maxMessage = 2048

// sanitize turns a text into an error message like those of the C library: one printable line of limited length.
func sanitize(text string) string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(line) <= maxMessage {
		return line
	}
	const dots = "..."
	end := maxMessage - len(dots)
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + dots
}

// withCString calls use with a C string, which is valid during the call. A text that contains a NUL byte is rejected: C
// would cut it there.
func withCString(text, what string, use func(*C.char) error) error {
	if strings.Contains(text, "\x00") {
		return invalidArgument(what + " contains a NUL byte")
	}
	c := C.CString(text)
	defer freeCString(c)
	return use(c)
}

// withCStrings calls use with C strings, which are valid during the call. Texts that contain a NUL byte are rejected.
func withCStrings(texts []string, what string, use func([]*C.char) error) error {
	all := make([]*C.char, 0, len(texts))
	defer func() {
		for _, text := range all {
			freeCString(text)
		}
	}()
	for _, text := range texts {
		if strings.Contains(text, "\x00") {
			return invalidArgument(what + " contains a NUL byte")
		}
		all = append(all, C.CString(text))
	}
	return use(all)
}

// withOptionalCString calls use with a C string, or with nil if the text is empty.
func withOptionalCString(text, what string, use func(*C.char) error) error {
	if text == "" {
		return use(nil)
	}
	return withCString(text, what, use)
}

// milliseconds converts a duration, rounding up.
func milliseconds(d time.Duration, what string) (C.uint64_t, error) {
	if d < 0 {
		return 0, invalidArgument(what + " is negative")
	}
	ms := d / time.Millisecond
	if d%time.Millisecond > 0 {
		ms++
	}
	return C.uint64_t(ms), nil
}
