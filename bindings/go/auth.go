package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"fmt"
	"net/http"
	"runtime/cgo"
	"runtime/debug"
	"strings"
)

// An AuthFunc provides the credentials of an HTTP request, for example a token that expires. If it returns an error,
// the call fails with [AuthFailed], and that [Error] wraps the returned one. If it panics, the Error wraps a
// [*PanicError].
//
// The function runs before each HTTP request, and again if the server rejects the credentials. If the server rejects
// several calls at the same time, the function runs once and all of these calls use its result.
//
// It runs on a separate goroutine, for one request at a time for each client. The context has the values of the context
// of the call that makes the request. It is done when no call waits for the credentials any more; the calls end without
// waiting for the function. Credentials that it returns later are used by later requests. Its time does not count
// against timeouts.
//
// It must not make calls on the same client, which would wait for the function. With its context, or one derived from
// it, such a call returns [Misuse].
//
// A client is never garbage collected if its AuthFunc refers to it: close it.
type AuthFunc func(context.Context, AuthRequest) (Credentials, error)

// An AuthRequest describes the HTTP request for which an [AuthFunc] provides credentials.
type AuthRequest struct {
	// URL is the whole URL of the request, with its query.
	URL string
	// Method is the HTTP method: "POST", "GET" or "DELETE".
	Method string
	// Attempt is 1 before a request, 2 or 3 after the server has rejected the credentials of this call.
	Attempt int
	// HTTPStatus is the status of the rejection, 401 or 403; 0 if there was none.
	HTTPStatus int
	// Challenge is the WWW-Authenticate header of the rejection; "" if there was none.
	Challenge string
	// ClientName is the name of the client ([Client.Name]).
	ClientName string
}

// Credentials authorize an HTTP request. They override the credentials of the client and of the call for the same
// header; the others are sent as well. The zero value overrides none.
type Credentials struct {
	// Bearer is a bearer token, without the word "Bearer"; "" for none. A text that cannot be a token fails the call
	// with [AuthFailed].
	Bearer string
	// Header contains headers, such as an API key. Several values of one name are joined into a list. Names and
	// values that [Client.SetHeader] rejects fail the call with [AuthFailed].
	Header http.Header
}

// A PanicError reports a panic in a callback.
type PanicError struct {
	// Value is the value that was passed to panic.
	Value any
	// Stack is the stack trace of the panic.
	Stack []byte
}

// Error returns the value as text.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value if it is an error; otherwise nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// WithAuth sets the function that provides the credentials of requests. See [AuthFunc].
func WithAuth(auth AuthFunc) Option {
	return func(c *Client) error { return c.SetAuth(auth) }
}

// SetAuth sets the function that provides the credentials of later requests, in place of an [OAuth]; nil removes it.
// See [AuthFunc].
func (c *Client) SetAuth(auth AuthFunc) error {
	set := func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
		return C.bridge_set_auth(client, handle, failure)
	}
	if auth == nil {
		return c.setCallback(nil, set)
	}
	c.core.hasHandlers.Store(true)
	return c.setCallback(&authCallback{auth, c.core}, set)
}

// setCallback registers a callback with C, or removes it if callback is nil. C owns the handle and deletes it with
// bridgeDestroy, also if the registration fails.
func (c *Client) setCallback(callback any, set func(*C.mcp_client, C.uintptr_t, **C.mcp_error) C.mcp_status) error {
	client, err := c.core.acquire()
	if err != nil {
		return err
	}
	defer c.core.release()
	var handle cgo.Handle
	if callback != nil {
		handle = cgo.NewHandle(callback)
		c.core.hasCallbacks.Store(true)
	}
	return check(func(failure **C.mcp_error) C.mcp_status { return set(client, C.uintptr_t(handle), failure) })
}

// apply sets the credentials of a C request.
func (c Credentials) apply(request *C.mcp_auth_request) error {
	if c.Bearer != "" {
		err := withCString(c.Bearer, "the token", func(token *C.char) error {
			return check(func(failure **C.mcp_error) C.mcp_status {
				return C.mcp_auth_request_set_bearer(request, token, failure)
			})
		})
		if err != nil {
			return err
		}
	}
	for name, values := range c.Header {
		if len(values) == 0 {
			continue
		}
		texts := []string{name, joinValues(name, values)}
		err := withCStrings(texts, "a header", func(t []*C.char) error {
			return check(func(failure **C.mcp_error) C.mcp_status {
				return C.mcp_auth_request_set_header(request, t[0], t[1], failure)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type authCallback struct {
	function AuthFunc
	core     *core
}

// authKey is the key of a context value that the context of a client's AuthFunc has.
type authKey struct{ core *core }

//export bridgeAuth
func bridgeAuth(handle, call C.uintptr_t, request *C.mcp_auth_request) {
	callback := cgo.Handle(handle).Value().(*authCallback)
	run := newHandlerRun(call)
	C.bridge_auth_request_set_over(request, run.over())
	run.start(func() error {
		ctx := context.WithValue(run.ctx, authKey{callback.core}, true)
		credentials, err := callback.function(ctx, AuthRequest{
			URL:        C.GoString(C.mcp_auth_request_url(request)),
			Method:     C.GoString(C.mcp_auth_request_method(request)),
			Attempt:    int(C.mcp_auth_request_attempt(request)),
			HTTPStatus: int(C.mcp_auth_request_http_status(request)),
			Challenge:  C.GoString(C.mcp_auth_request_challenge(request)),
			ClientName: C.GoString(C.mcp_auth_request_client_name(request)),
		})
		if err != nil {
			return err
		}
		return credentials.apply(request)
	}, func(err error) {
		if err != nil {
			text, err := errorText(err)
			reason := C.CString(text)
			defer freeCString(reason)
			C.bridge_auth_request_fail(request, reason, C.uintptr_t(cgo.NewHandle(err)))
		}
		C.mcp_auth_request_free(request)
	})
}

// errorText returns the text of an error for C, and the error. If its Error method panics, which mostly means a nil
// pointer in the interface, errorText returns the panic instead.
func errorText(err error) (string, error) {
	var text string
	panicked := runCallback(func() error {
		text = err.Error()
		return nil
	})
	if panicked != nil {
		err, text = panicked, panicked.Error()
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD"), err
}

// runCallback calls a callback and returns its error, or a *PanicError: a panic must not unwind C frames.
func runCallback(callback func() error) (err error) {
	returned := false
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{value, debug.Stack()}
		} else if !returned {
			// runtime.Goexit cannot be stopped, and must not unwind the C frames: the C code would never
			// release its resources. Crash with an explanation instead.
			stack := debug.Stack()
			go func() {
				const message = "mcp: a callback called runtime.Goexit, as FailNow of a test does:"
				panic(fmt.Sprintf("%s\n%s", message, stack))
			}()
			select {}
		}
	}()
	err = callback()
	returned = true
	return err
}

//export bridgeDestroy
func bridgeDestroy(handle C.uintptr_t) { cgo.Handle(handle).Delete() }
