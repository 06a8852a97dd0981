package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"log/slog"
	"runtime/cgo"
	"sync/atomic"
)

// A LogLevel says how much a line of the log matters.
type LogLevel int32

const (
	// LogError: something failed that no call reports.
	LogError LogLevel = C.MCP_LOG_ERROR
	// LogWarning: something is dangerous or probably wrong, such as a token over plain http.
	LogWarning LogLevel = C.MCP_LOG_WARNING
	// LogInfo: something worth knowing, such as the negotiated version.
	LogInfo LogLevel = C.MCP_LOG_INFO
	// LogDebug: what helps to find a fault.
	LogDebug LogLevel = C.MCP_LOG_DEBUG
)

// Level gives the level that [log/slog] has for it.
func (l LogLevel) Level() slog.Level {
	switch l {
	case LogError:
		return slog.LevelError
	case LogWarning:
		return slog.LevelWarn
	case LogInfo:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// A LogFunc receives a line of the log; no line holds a token or a header value. It may run on several goroutines at once, and for
// HTTP+SSE on a thread that reads for the client, where it must make no call on it ([Misuse]); nor may it while the client connects.
// A panic in it is dropped: there is nobody to whom it could be told. A client that its own function refers to is never collected:
// close it.
type LogFunc func(level LogLevel, line string)

// WithLog sets the function that receives what the client has to say: fall-backs, resends, warnings.
func WithLog(log LogFunc) Option {
	return func(c *Client) error { return c.SetLog(log) }
}

// WithLogger sends the log to a [slog.Logger].
func WithLogger(logger *slog.Logger) Option {
	if logger == nil {
		return WithLog(nil)
	}
	return WithLog(func(level LogLevel, line string) { logger.Log(context.Background(), level.Level(), line) })
}

// SetLog is [WithLog] for lines from the next one on; nil removes the function.
func (c *Client) SetLog(log LogFunc) error {
	set := func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
		return C.bridge_set_log(client, handle, failure)
	}
	if log == nil {
		return c.setHook(nil, set)
	}
	return c.setHook(&logHook{log, &c.core.callbacks}, set)
}

type logHook struct {
	log     LogFunc
	running *atomic.Int32
}

//export bridgeLog
func bridgeLog(handle C.uintptr_t, level C.int32_t, message *C.char) {
	hook := cgo.Handle(handle).Value().(*logHook)
	hook.running.Add(1)
	defer hook.running.Add(-1)
	_ = guarded(func() error {
		hook.log(LogLevel(level), C.GoString(message))
		return nil
	})
}
