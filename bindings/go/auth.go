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

// An AuthFunc gives requests their credentials, where a fixed token does not do: it calls [AuthRequest.SetBearer] and
// [AuthRequest.SetHeader], or returns an error. Then the call ends with [AuthFailed], and the error is wrapped in it; so is a
// [PanicError] where the function panics.
//
// It is asked before each HTTP request, and again when the server refuses what it gave. However many calls are refused at the same
// time, one of them asks, and all others take the outcome; so there is no context, and it runs on one goroutine at a time for each
// client. It must not make calls on the same client, close it included, nor wait for one ([Misuse]). Its time counts against no
// timeout, but a context may end meanwhile: then the call ends when the function has returned.
//
// A client that its own function refers to is never collected: close it.
type AuthFunc func(*AuthRequest) error

// An AuthRequest is what an [AuthFunc] is asked, and the place for its answer. It is good until the function returns.
type AuthRequest struct {
	// URL is where the request goes, with its query.
	URL string
	// Method is that of HTTP: "POST", "GET" or "DELETE".
	Method string
	// Attempt is 1 before a request, 2 or 3 after the server has refused what this call came with.
	Attempt int
	// HTTPStatus is that of the refusal, 401 or 403; 0 where there was none.
	HTTPStatus int
	// Challenge is the WWW-Authenticate header of the refusal; "" where there was none.
	Challenge string

	mu      sync.Mutex
	request *C.mcp_auth_request
}

// A PanicError is what a callback of the program panicked with.
type PanicError struct {
	Value any
	Stack []byte
}

// Error gives the value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap gives the value, where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// WithAuth sets the function that authorises requests. See [AuthFunc].
func WithAuth(auth AuthFunc) Option {
	return func(c *Client) error { return c.SetAuth(auth) }
}

// SetAuth is [WithAuth] for requests from the next one on; nil removes the function.
func (c *Client) SetAuth(auth AuthFunc) error {
	set := func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
		return C.bridge_set_auth(client, handle, failure)
	}
	if auth == nil {
		return c.setHook(nil, set)
	}
	return c.setHook(&authHook{auth, &c.core.callbacks}, set)
}

// setHook gives C a handle to a hook, which C ends by bridgeEnd; nil is no hook.
func (c *Client) setHook(hook any, set func(*C.mcp_client, C.uintptr_t, **C.mcp_error) C.mcp_status) error {
	client, err := c.core.enter()
	if err != nil {
		return err
	}
	defer c.core.leave()
	var handle cgo.Handle
	if hook != nil {
		handle = cgo.NewHandle(hook)
		c.core.hooks.Store(true)
	}
	return check(func(failure **C.mcp_error) C.mcp_status { return set(client, C.uintptr_t(handle), failure) })
}

// SetBearer gives the request a bearer token, without the word "Bearer".
func (r *AuthRequest) SetBearer(token string) error {
	return withText(token, "the token", func(token *C.char) error {
		return r.answer(func(request *C.mcp_auth_request, failure **C.mcp_error) C.mcp_status {
			return C.mcp_auth_request_set_bearer(request, token, failure)
		})
	})
}

// SetHeader gives the request a header.
func (r *AuthRequest) SetHeader(name, value string) error {
	return withText(name, "the name", func(name *C.char) error {
		return withText(value, "the value", func(value *C.char) error {
			return r.answer(func(request *C.mcp_auth_request, failure **C.mcp_error) C.mcp_status {
				return C.mcp_auth_request_set_header(request, name, value, failure)
			})
		})
	})
}

// answer runs a setter, unless the function has returned.
func (r *AuthRequest) answer(set func(*C.mcp_auth_request, **C.mcp_error) C.mcp_status) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.request == nil {
		return &Error{Status: Misuse, Message: "the auth function has returned: its request cannot be answered any more", RetryAfter: -1}
	}
	return check(func(failure **C.mcp_error) C.mcp_status { return set(r.request, failure) })
}

func (r *AuthRequest) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.request = nil
}

type authHook struct {
	auth    AuthFunc
	running *atomic.Int32
}

//export bridgeAuth
func bridgeAuth(handle C.uintptr_t, request *C.mcp_auth_request) {
	hook := cgo.Handle(handle).Value().(*authHook)
	hook.running.Add(1)
	defer hook.running.Add(-1)
	asked := &AuthRequest{
		URL:        C.GoString(C.mcp_auth_request_url(request)),
		Method:     C.GoString(C.mcp_auth_request_method(request)),
		Attempt:    int(C.mcp_auth_request_attempt(request)),
		HTTPStatus: int(C.mcp_auth_request_http_status(request)),
		Challenge:  C.GoString(C.mcp_auth_request_challenge(request)),
		request:    request,
	}
	defer asked.end()
	if err := guarded(func() error { return hook.auth(asked) }); err != nil {
		fail(request, err)
	}
}

// fail says that there are no credentials; the error belongs to C then, which ends it by bridgeEnd.
func fail(request *C.mcp_auth_request, err error) {
	text, err := errorText(err)
	reason := C.CString(text)
	defer freeText(reason)
	C.bridge_fail_with(request, reason, C.uintptr_t(cgo.NewHandle(err)), nil)
}

// errorText is an error's text as C takes it; and the error, or what its method panicked with: most often a nil pointer.
func errorText(err error) (string, error) {
	var text string
	panicked := guarded(func() error {
		text = err.Error()
		return nil
	})
	if panicked != nil {
		err, text = panicked, panicked.Error()
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD"), err
}

// guarded runs a callback of the program: no panic may go through C.
func guarded(callback func() error) (err error) {
	returned := false
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{value, debug.Stack()}
		} else if !returned {
			// runtime.Goexit cannot be stopped, and must not leave C's calls below: they would hold what they hold for ever.
			stack := debug.Stack()
			go func() {
				panic(fmt.Sprintf("mcp: a callback ended its goroutine, as FailNow of a test does:\n%s", stack))
			}()
			select {}
		}
	}()
	err = callback()
	returned = true
	return err
}

//export bridgeEnd
func bridgeEnd(handle C.uintptr_t) { cgo.Handle(handle).Delete() }
