package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime/cgo"
	"time"
)

// A CallOption changes a single call.
type CallOption func(*callOptions)

type callOptions struct {
	timeout, idle time.Duration
	hasTimeout    bool
	progress      func(Progress)
	meta          any
	headers       [][2]string
}

// Timeout limits the call, like a deadline of its context; zero is no limit. Of this and the context's deadline, the sooner one
// counts.
func Timeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.timeout, o.hasTimeout = d, true }
}

// IdleTimeout ends the call with [TimedOut] when that long no byte comes from the server and none can be sent.
func IdleTimeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.idle = d }
}

// Progress is how far an operation has come.
type Progress struct {
	// Progress grows with each one.
	Progress float64
	// Total is where it ends; negative where the server does not know.
	Total float64
	// Message is what the server says of it; "" where it says nothing.
	Message string
}

// OnProgress asks the server to tell how far it has come, and sets the function that is told, on the goroutine of the call
// (specification 2026-07-28, "Progress"). Its time counts against no timeout. A panic in it ends the call, and goes on from there.
func OnProgress(tell func(Progress)) CallOption {
	return func(o *callOptions) { o.progress = tell }
}

// Meta sets the members of the "_meta" of the call's requests: whatever [encoding/json] makes an object of, such as a trace context
// ("traceparent"). They beat what the library puts there by itself.
func Meta(members any) CallOption {
	return func(o *callOptions) { o.meta = members }
}

// Header sets a header that the requests of the call carry. It beats one of the client; the same names are refused.
func Header(name, value string) CallOption {
	return func(o *callOptions) { o.headers = append(o.headers, [2]string{name, value}) }
}

// run calls a C function that blocks, and ends it with the context.
func run(
	ctx context.Context, options []CallOption,
	function func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status,
) error {
	if ctx.Err() != nil {
		return ended(ctx, &Error{Status: statusOf(ctx), Message: "the context had ended before the call", RetryAfter: -1})
	}
	return begin(ctx, options, function)
}

// begin is run, also where the context has ended.
func begin(
	ctx context.Context, options []CallOption,
	function func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status,
) error {
	var given callOptions
	for _, option := range options {
		option(&given)
	}
	deadline, hasDeadline := ctx.Deadline()
	if left := time.Until(deadline); hasDeadline && (!given.hasTimeout || given.timeout == 0 || left < given.timeout) {
		// Not zero, which would be no limit.
		given.timeout, given.hasTimeout = max(left, time.Millisecond), true
	} else {
		hasDeadline = false
	}
	c := C.mcp_options_new()
	defer C.mcp_options_free(c)
	if err := given.apply(c); err != nil {
		return err
	}
	if given.progress != nil {
		teller := &progressHook{tell: given.progress}
		ctx, teller.stop = context.WithCancel(ctx)
		defer teller.stop()
		if err := teller.apply(c); err != nil {
			return err
		}
		defer teller.rethrow()
	}
	stop, err := cancelWith(ctx, c)
	if err != nil {
		return err
	}
	err = check(func(failure **C.mcp_error) C.mcp_status { return function(c, failure) })
	stop()
	failed, _ := err.(*Error)
	switch {
	case failed == nil:
		return err
	case failed.Status == Cancelled:
		return ended(ctx, failed)
	case failed.Status == TimedOut && hasDeadline && time.Until(deadline) < 10*time.Millisecond:
		// C's clock may be a moment ahead of the context's.
		select {
		case <-ctx.Done():
			return ended(ctx, failed)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return failed
}

func (o *callOptions) apply(c *C.mcp_options) error {
	if o.hasTimeout {
		ms, err := milliseconds(o.timeout, "the timeout")
		if err != nil {
			return err
		}
		if err := check(func(f **C.mcp_error) C.mcp_status { return C.mcp_options_set_timeout(c, ms, f) }); err != nil {
			return err
		}
	}
	ms, err := milliseconds(o.idle, "the idle timeout")
	if err != nil {
		return err
	}
	if err := check(func(f **C.mcp_error) C.mcp_status { return C.mcp_options_set_idle_timeout(c, ms, f) }); err != nil {
		return err
	}
	for _, header := range o.headers {
		err := withTexts(header[:], "the header", func(t []*C.char) error {
			return check(func(f **C.mcp_error) C.mcp_status { return C.mcp_options_set_header(c, t[0], t[1], f) })
		})
		if err != nil {
			return err
		}
	}
	meta, err := marshalled(o.meta, "the _meta")
	if err != nil {
		return err
	}
	return check(func(f **C.mcp_error) C.mcp_status {
		m := jsonTextOf(meta)
		return C.mcp_options_set_meta(c, m.text, m.length, f)
	})
}

// A progressHook is the progress function of one call.
type progressHook struct {
	tell     func(Progress)
	stop     context.CancelFunc
	panicked error
}

func (h *progressHook) apply(c *C.mcp_options) error {
	handle := cgo.NewHandle(h)
	return check(func(f **C.mcp_error) C.mcp_status { return C.bridge_options_set_progress(c, C.uintptr_t(handle), f) })
}

// rethrow goes on with a panic that could not go through C.
func (h *progressHook) rethrow() {
	if h.panicked != nil {
		panic(h.panicked)
	}
}

//export bridgeProgress
func bridgeProgress(handle C.uintptr_t, progress, total C.double, message *C.char) {
	hook := cgo.Handle(handle).Value().(*progressHook)
	if hook.panicked != nil {
		return
	}
	hook.panicked = guarded(func() error {
		hook.tell(Progress{float64(progress), float64(total), C.GoString(message)})
		return nil
	})
	if hook.panicked != nil {
		hook.stop()
	}
}

// cancelWith ends calls with these options when the context ends. The function that it returns is called after the call.
func cancelWith(ctx context.Context, options *C.mcp_options) (func(), error) {
	if ctx.Done() == nil {
		return func() {}, nil
	}
	token := C.mcp_cancel_new()
	if token == nil {
		return nil, &Error{Status: SystemError, Message: "the system refused a descriptor", RetryAfter: -1}
	}
	if err := check(func(f **C.mcp_error) C.mcp_status { return C.mcp_options_set_cancel(options, token, f) }); err != nil {
		C.mcp_cancel_free(token)
		return nil, err
	}
	triggered := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		C.mcp_cancel_trigger(token)
		close(triggered)
	})
	return func() {
		if !stop() {
			<-triggered
		}
		C.mcp_cancel_free(token)
	}, nil
}

// ended makes an error one of its context. Whether C saw the timeout first, or the token that the context's end triggers, is chance.
func ended(ctx context.Context, err *Error) error {
	err.Status = statusOf(ctx)
	err.cause = context.Cause(ctx)
	err.Message += ": " + err.cause.Error()
	return err
}

func statusOf(ctx context.Context) Status {
	if ctx.Err() == context.DeadlineExceeded {
		return TimedOut
	}
	return Cancelled
}
