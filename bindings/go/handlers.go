package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"runtime/cgo"
	"runtime/debug"
)

// errHandlerExited is the error of a handler that did not return.
var errHandlerExited = errors.New("the handler called runtime.Goexit, as FailNow of a test does")

// A handlerRun runs a handler that may wait for a person: an input handler, an AuthFunc, or the Open function of an
// OAuth. It runs on a new goroutine, so that no thread of the library waits for it, and the call can end meanwhile.
type handlerRun struct {
	// The context of the handler: it has the values of the call's context, and ends when C says so.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// The context of the call that needs the handler.
	call context.Context
}

// newHandlerRun prepares a run. call is the call data that setCallContext has set; 0 if there is none.
func newHandlerRun(call C.uintptr_t) *handlerRun {
	r := &handlerRun{call: callContext(call)}
	r.ctx, r.cancel = context.WithCancelCause(context.WithoutCancel(r.call))
	return r
}

// over returns a handle for C, which passes it to bridgeOver and deletes it with bridgeDestroy.
func (r *handlerRun) over() C.uintptr_t { return C.uintptr_t(cgo.NewHandle(r)) }

//export bridgeOver
func bridgeOver(handle C.uintptr_t, status C.int32_t) {
	cgo.Handle(handle).Value().(*handlerRun).end(Status(status))
}

// end cancels the context of the handler, because nothing waits for its answer any more.
func (r *handlerRun) end(status Status) {
	if status == C.MCP_OK {
		r.cancel(nil) // the library has received the redirect of the login
		return
	}
	if cause := context.Cause(r.call); cause != nil && (status == Cancelled || status == TimedOut) {
		r.cancel(cause)
		return
	}
	message := "no call waits for this handler any more: " + status.String()
	r.cancel(&Error{Status: status, Message: message, RetryAfter: -1})
}

// start runs the handler, and then finish with its error. finish frees the object of C. If the call has ended
// meanwhile, C ignores the answer and the error.
func (r *handlerRun) start(handler func() error, finish func(error)) {
	go func() {
		err := errHandlerExited
		defer r.cancel(nil)
		defer func() {
			if value := recover(); value != nil {
				err = &PanicError{value, debug.Stack()}
			}
			finish(err)
		}()
		if r.ctx.Err() != nil {
			err = context.Cause(r.ctx)
			return
		}
		err = handler()
	}()
}

// setCallContext makes the context of a call available to handlers. C owns the handle.
func setCallContext(ctx context.Context, options *C.mcp_options) {
	C.bridge_options_set_call_data(options, C.uintptr_t(cgo.NewHandle(ctx)), nil)
}

// callContext returns the context that setCallContext has set; the background context if there is none.
func callContext(call C.uintptr_t) context.Context {
	if call == 0 {
		return context.Background()
	}
	return cgo.Handle(call).Value().(context.Context)
}
