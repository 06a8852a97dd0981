package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"time"
)

// A CallOption changes a single call.
type CallOption func(*callOptions)

type callOptions struct {
	timeout, idle time.Duration
	hasTimeout    bool
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

// run calls a C function that blocks, and ends it with the context.
func run(
	ctx context.Context, options []CallOption,
	function func(options *C.mcp_options, failure **C.mcp_error) C.mcp_status,
) error {
	if ctx.Err() != nil {
		return ended(ctx, &Error{Status: statusOf(ctx), Message: "the context had ended before the call", RetryAfter: -1})
	}
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
		<-ctx.Done()
		return ended(ctx, failed)
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
	return check(func(f **C.mcp_error) C.mcp_status { return C.mcp_options_set_idle_timeout(c, ms, f) })
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
