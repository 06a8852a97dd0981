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

// An Error is why a call failed. It holds no token and no header value.
type Error struct {
	// Status says how the call ended; also by errors.Is(err, mcp.Unauthorized).
	Status Status
	// Message says what failed, where, why, and what to do about it, in one line for people.
	Message string
	// HTTPStatus is that of the answer behind the error, such as 401; 0 where there was none.
	HTTPStatus int
	// RPC is the server's JSON-RPC error; nil where there was none.
	RPC *RPC
	// WWWAuthenticate is the server's challenge (RFC 9110, section 11.6.1); "" where it sent none.
	WWWAuthenticate string
	// RetryAfter is how long the server asks to wait before the next try; negative where it does not say.
	RetryAfter time.Duration

	cause error
}

// RPC is what a server says in a JSON-RPC error (JSON-RPC 2.0, section 5.1).
type RPC struct {
	// Code is its number, such as -32601.
	Code int64
	// Data is what it adds; nil where it adds nothing.
	Data json.RawMessage
}

// Error gives the message.
func (e *Error) Error() string { return e.Message }

// Is says whether target is the status of the error.
func (e *Error) Is(target error) bool {
	status, is := target.(Status)
	return is && status == e.Status
}

// Unwrap gives what lies behind the error: the cause of a context that ended the call, or what the auth function returned.
func (e *Error) Unwrap() error { return e.cause }

// Timeout says whether time has run out, as os.IsTimeout wants it.
func (e *Error) Timeout() bool { return e.Status == TimedOut }

// taken makes a Go error of a C one, which it frees.
func taken(failure *C.mcp_error) *Error {
	defer C.mcp_error_free(failure)
	err := &Error{
		Status:          Status(C.mcp_error_status(failure)),
		Message:         C.GoString(C.mcp_error_message(failure)),
		HTTPStatus:      int(C.mcp_error_http_status(failure)),
		WWWAuthenticate: C.GoString(C.mcp_error_www_authenticate(failure)),
		RetryAfter:      -1,
	}
	if C.mcp_error_has_rpc_code(failure) {
		err.RPC = &RPC{Code: int64(C.mcp_error_rpc_code(failure)), Data: raw(C.mcp_error_rpc_data(failure))}
	}
	if ms := C.mcp_error_retry_after_ms(failure); ms >= 0 {
		err.RetryAfter = time.Duration(min(int64(ms), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	}
	if handle := C.bridge_error_cause(failure); handle != 0 {
		err.cause, _ = cgo.Handle(handle).Value().(error)
	}
	return err
}

// check runs a C function that reports a failure in place.
func check(call func(failure **C.mcp_error) C.mcp_status) error {
	var failure *C.mcp_error
	if call(&failure) != C.MCP_OK {
		return taken(failure)
	}
	return nil
}

// invalid is the error for an argument that never reaches C.
func invalid(why string) *Error {
	return &Error{Status: InvalidArgument, Message: oneLine(why), RetryAfter: -1}
}

// longestMessage is the longest message of an error, in bytes.
const longestMessage = 2048

// oneLine makes a message of this package's own as those of the library are: one printable line of bounded length.
func oneLine(text string) string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(line) <= longestMessage {
		return line
	}
	const dots = "..."
	end := longestMessage - len(dots)
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + dots
}

// withText runs use with a text as C wants it. C would cut it at a NUL.
func withText(text, what string, use func(*C.char) error) error {
	if strings.Contains(text, "\x00") {
		return invalid(what + " holds a NUL")
	}
	c := C.CString(text)
	defer freeText(c)
	return use(c)
}

// withTexts is withText for several.
func withTexts(texts []string, what string, use func([]*C.char) error) error {
	all := make([]*C.char, 0, len(texts))
	defer func() {
		for _, text := range all {
			freeText(text)
		}
	}()
	for _, text := range texts {
		if strings.Contains(text, "\x00") {
			return invalid(what + " holds a NUL")
		}
		all = append(all, C.CString(text))
	}
	return use(all)
}

// withOptionalText is withText, where "" stands for nothing at all.
func withOptionalText(text, what string, use func(*C.char) error) error {
	if text == "" {
		return use(nil)
	}
	return withText(text, what, use)
}

// milliseconds rounds a duration up.
func milliseconds(d time.Duration, what string) (C.uint64_t, error) {
	if d < 0 {
		return 0, invalid(what + " is negative")
	}
	ms := d / time.Millisecond
	if d%time.Millisecond > 0 {
		ms++
	}
	return C.uint64_t(ms), nil
}
