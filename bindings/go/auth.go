package mcp

// #include "bridge.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
)

// An AuthFunc provides the credentials of HTTP requests, for example tokens that expire. It calls
// [AuthRequest.SetBearer] and [AuthRequest.SetHeader], or returns an error. If it returns an error, the call fails with
// [AuthFailed], and that [Error] wraps the returned one. If it panics, the Error wraps a [*PanicError].
//
// The function runs before each HTTP request, and again if the server rejects the credentials. If the server rejects
// several calls at the same time, the function runs once and all of these calls use its result; therefore it gets no
// context. It runs on one goroutine at a time for each client. It may not make calls on the same client, close it, or
// wait for such a call ([Misuse]). Its time does not count against timeouts; if a context is done meanwhile, the call
// ends after the function has returned.
//
// A client is never garbage collected if its AuthFunc refers to it: close it.
type AuthFunc func(*AuthRequest) error

// An AuthRequest describes the HTTP request for which an [AuthFunc] provides credentials. Its methods work until the
// function returns; then they return [Misuse].
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

	mu      sync.Mutex
	request *C.mcp_auth_request
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
	return c.setCallback(&authCallback{auth, &c.core.runningCallbacks}, set)
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

// SetBearer sets the bearer token of the request, without the word "Bearer". The error is [InvalidArgument] for a text
// that cannot be a token.
func (r *AuthRequest) SetBearer(token string) error {
	return withCString(token, "the token", func(token *C.char) error {
		return r.set(func(request *C.mcp_auth_request, failure **C.mcp_error) C.mcp_status {
			return C.mcp_auth_request_set_bearer(request, token, failure)
		})
	})
}

// SetHeader sets a header of the request. The error is [InvalidArgument] for names and values that [Client.SetHeader]
// rejects.
func (r *AuthRequest) SetHeader(name, value string) error {
	return withCString(name, "the name", func(name *C.char) error {
		return withCString(value, "the value", func(value *C.char) error {
			return r.set(func(request *C.mcp_auth_request, failure **C.mcp_error) C.mcp_status {
				return C.mcp_auth_request_set_header(request, name, value, failure)
			})
		})
	})
}

// set calls a C setter, or returns Misuse if the AuthFunc has returned.
func (r *AuthRequest) set(set func(*C.mcp_auth_request, **C.mcp_error) C.mcp_status) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.request == nil {
		message := "the auth function has returned: its request is no longer valid"
		return &Error{Status: Misuse, Message: message, RetryAfter: -1}
	}
	return check(func(failure **C.mcp_error) C.mcp_status { return set(r.request, failure) })
}

// expire makes later calls of the setters fail.
func (r *AuthRequest) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.request = nil
}

type authCallback struct {
	function AuthFunc
	running  *atomic.Int32
}

//export bridgeAuth
func bridgeAuth(handle C.uintptr_t, request *C.mcp_auth_request) {
	callback := cgo.Handle(handle).Value().(*authCallback)
	callback.running.Add(1)
	defer callback.running.Add(-1)
	r := &AuthRequest{
		URL:        C.GoString(C.mcp_auth_request_url(request)),
		Method:     C.GoString(C.mcp_auth_request_method(request)),
		Attempt:    int(C.mcp_auth_request_attempt(request)),
		HTTPStatus: int(C.mcp_auth_request_http_status(request)),
		Challenge:  C.GoString(C.mcp_auth_request_challenge(request)),
		request:    request,
	}
	defer r.expire()
	if err := runCallback(func() error { return callback.function(r) }); err != nil {
		failAuth(request, err)
	}
}

// failAuth reports that there are no credentials. C owns the handle of the error and deletes it with bridgeDestroy.
func failAuth(request *C.mcp_auth_request, err error) {
	text, err := errorText(err)
	reason := C.CString(text)
	defer freeCString(reason)
	C.bridge_fail_with(request, reason, C.uintptr_t(cgo.NewHandle(err)), nil)
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
