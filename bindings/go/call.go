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
	timeout, idle       time.Duration
	hasTimeout, hasIdle bool
	progress            func(Progress) error
	meta                any
	headers             [][2]string
}

// Timeout limits the duration of the call, in addition to the deadline of its context: the earlier of the two applies.
// Zero means no limit.
func Timeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.timeout, o.hasTimeout = d, true }
}

// IdleTimeout ends the call with [TimedOut] if it waits this long without receiving a byte or, while it sends, without
// being able to send one. Zero means no limit. The default is that of the client ([WithIdleTimeout]).
func IdleTimeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.idle, o.hasIdle = d, true }
}

// Progress is a progress notification for a call.
type Progress struct {
	// Progress increases with each notification.
	Progress float64
	// Total is the value of Progress at the end; negative if the server does not know it.
	Total float64
	// Message is the server's description of the progress; "" if it gives none.
	Message string
}

// OnProgress asks the server for progress notifications, and sets the callback for them (specification 2026-07-28,
// "Progress"). The callback runs on the goroutine of the call; its time does not count against timeouts. If it returns
// an error, the call ends with [Cancelled], and its error wraps that of the callback. If it panics, the call is
// cancelled and then panics with a [*PanicError].
func OnProgress(callback func(Progress) error) CallOption {
	return func(o *callOptions) { o.progress = callback }
}

// Meta sets members of the "_meta" object of the call's requests, such as a trace context ("traceparent"). members is a
// value that [encoding/json] encodes as an object. Its members override those that the library sets.
func Meta(members any) CallOption {
	return func(o *callOptions) { o.meta = members }
}

// Header sets an HTTP header for the requests of the call. It overrides a header of the same name set on the client.
// Names that [Client.SetHeader] rejects are rejected here too: the call returns [InvalidArgument].
func Header(name, value string) CallOption {
	return func(o *callOptions) { o.headers = append(o.headers, [2]string{name, value}) }
}

// runCall calls a C function that blocks, and cancels it when the context is done.
func runCall(
	ctx context.Context, options []CallOption,
	function func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status,
) error {
	if ctx.Err() != nil {
		return contextError(ctx, &Error{Message: "the context was done before the call", RetryAfter: -1})
	}
	return runCallEvenIfDone(ctx, options, function)
}

// runCallEvenIfDone calls a C function that blocks, even if the context is already done.
func runCallEvenIfDone(
	ctx context.Context, options []CallOption,
	function func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status,
) error {
	var settings callOptions
	for _, option := range options {
		option(&settings)
	}
	deadline, hasDeadline := ctx.Deadline()
	left := time.Until(deadline)
	deadlineApplies := hasDeadline && (!settings.hasTimeout || settings.timeout == 0 || left < settings.timeout)
	if deadlineApplies {
		// At least one millisecond: zero would mean no limit.
		settings.timeout, settings.hasTimeout = max(left, time.Millisecond), true
	}
	c := C.mcp_options_new()
	defer C.mcp_options_free(c)
	if err := settings.apply(c); err != nil {
		return err
	}
	progress := &progressCallback{function: settings.progress}
	if settings.progress != nil {
		if err := progress.apply(c); err != nil {
			return err
		}
		defer progress.rethrow()
	}
	stop, err := cancelWhenDone(ctx, c)
	if err != nil {
		return err
	}
	err = check(func(failure **C.mcp_error) C.mcp_status { return function(c, failure) })
	stop()
	failed, _ := err.(*Error)
	switch {
	case failed == nil:
		return err
	case failed.Status == Cancelled && progress.err != nil:
		failed.cause = progress.err
		failed.Message = sanitize(failed.Message + ": " + progress.err.Error())
		return failed
	case failed.Status == Cancelled:
		return contextError(ctx, failed)
	case failed.Status == TimedOut && deadlineApplies && time.Until(deadline) < 10*time.Millisecond:
		// The library's clock may be slightly ahead of the context's: wait for the context too.
		select {
		case <-ctx.Done():
			return contextError(ctx, failed)
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
		err = check(func(f **C.mcp_error) C.mcp_status { return C.mcp_options_set_timeout(c, ms, f) })
		if err != nil {
			return err
		}
	}
	if o.hasIdle {
		ms, err := milliseconds(o.idle, "the idle timeout")
		if err != nil {
			return err
		}
		err = check(func(f **C.mcp_error) C.mcp_status { return C.mcp_options_set_idle_timeout(c, ms, f) })
		if err != nil {
			return err
		}
	}
	for _, header := range o.headers {
		err := withCStrings(header[:], "the header", func(t []*C.char) error {
			return check(func(f **C.mcp_error) C.mcp_status {
				return C.mcp_options_set_header(c, t[0], t[1], f)
			})
		})
		if err != nil {
			return err
		}
	}
	meta, err := marshal(o.meta, "the _meta")
	if err != nil {
		return err
	}
	return check(func(f **C.mcp_error) C.mcp_status {
		m := jsonTextOf(meta)
		return C.mcp_options_set_meta(c, m.text, m.length, f)
	})
}

// A progressCallback is the progress callback of one call.
type progressCallback struct {
	function func(Progress) error
	// err is the error that ended the call: that of the callback, or its panic.
	err error
}

func (p *progressCallback) apply(c *C.mcp_options) error {
	handle := cgo.NewHandle(p)
	return check(func(f **C.mcp_error) C.mcp_status {
		return C.bridge_options_set_progress(c, C.uintptr_t(handle), f)
	})
}

// rethrow panics again, after the C call, with the panic of the callback: a panic must not unwind C frames.
func (p *progressCallback) rethrow() {
	if panicked, ok := p.err.(*PanicError); ok {
		panic(panicked)
	}
}

//export bridgeProgress
func bridgeProgress(handle C.uintptr_t, progress, total C.double, message *C.char) C.bool {
	callback := cgo.Handle(handle).Value().(*progressCallback)
	callback.err = runCallback(func() error {
		return callback.function(Progress{float64(progress), float64(total), C.GoString(message)})
	})
	return callback.err == nil
}

// cancelWhenDone makes calls with these options end when the context is done. The caller must call the returned
// function after the call.
func cancelWhenDone(ctx context.Context, options *C.mcp_options) (func(), error) {
	if ctx.Done() == nil {
		return func() {}, nil
	}
	token := C.mcp_cancel_new()
	err := check(func(f **C.mcp_error) C.mcp_status { return C.mcp_options_set_cancel(options, token, f) })
	if err != nil {
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

// contextError sets the status and cause of an error to those of a context that is done. When a deadline passes, the C
// library reports either a timeout or a cancellation, depending on which it notices first; this makes them the same.
func contextError(ctx context.Context, err *Error) error {
	err.Status = contextStatus(ctx)
	err.cause = context.Cause(ctx)
	err.Message += ": " + err.cause.Error()
	return err
}

func contextStatus(ctx context.Context) Status {
	if ctx.Err() == context.DeadlineExceeded {
		return TimedOut
	}
	return Cancelled
}
