package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"runtime/cgo"
)

// runCall runs a C call of a client that uses the OAuth. The library runs the callbacks of the OAuth on the thread of
// the call: there, callContext returns the context, which ends with the call.
func (o *OAuth) runCall(parent context.Context, call func() C.mcp_status) C.mcp_status {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	handle := cgo.NewHandle(ctx)
	defer handle.Delete()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// A callback may make a call on another client.
	outer := C.bridge_set_call(C.uintptr_t(handle))
	defer C.bridge_set_call(outer)
	status := call()
	// The race detector does not see that an Open function ends before a call that waits for its result.
	o.ended.Load()
	if parent.Err() != nil {
		// Otherwise the context could end as cancelled, not with the error of its parent.
		<-ctx.Done()
	}
	return status
}

// callContext returns the context of the call on whose thread a callback runs.
func callContext() context.Context {
	if handle := C.bridge_call(); handle != 0 {
		return cgo.Handle(handle).Value().(context.Context)
	}
	return context.Background()
}
