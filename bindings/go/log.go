package mcp

// #include "bridge.h"
import "C"

import (
	"context"
	"log/slog"
	"runtime/cgo"
	"sync/atomic"
)

// A LogLevel is the severity of a log message of the library.
type LogLevel int32

const (
	// LogError: a failure that no call returns as an error.
	LogError LogLevel = C.MCP_LOG_ERROR
	// LogWarning: something dangerous or probably wrong, such as a token sent over plain HTTP.
	LogWarning LogLevel = C.MCP_LOG_WARNING
	// LogInfo: a notable event, such as the negotiated version.
	LogInfo LogLevel = C.MCP_LOG_INFO
	// LogDebug: details for debugging.
	LogDebug LogLevel = C.MCP_LOG_DEBUG
)

// String returns the name of the level, such as "warning"; "unknown" for an unknown level.
func (l LogLevel) String() string { return C.GoString(C.mcp_log_level_name(C.int32_t(l))) }

// Level returns the corresponding level of [log/slog].
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

// A LogFunc receives the log messages of the library: one line of text, without tokens and header values. It may run on
// several goroutines at the same time. On a reader thread of the library, and while the client connects, it may not
// make calls on the same client ([Misuse]). A panic in it is ignored, because there is no caller to report it to. A
// client is never garbage collected if its LogFunc refers to it: close it.
type LogFunc func(level LogLevel, line string)

// WithLog sets the function that receives the client's log messages, such as warnings, fallbacks and retries. Without
// it, nothing is logged.
func WithLog(log LogFunc) Option {
	return func(c *Client) error { return c.SetLog(log) }
}

// WithLogger sends the client's log messages to a [slog.Logger]; nil sends them nowhere.
func WithLogger(logger *slog.Logger) Option {
	if logger == nil {
		return WithLog(nil)
	}
	return WithLog(func(level LogLevel, line string) { logger.Log(context.Background(), level.Level(), line) })
}

// SetLog sets the function that receives the client's log messages from now on; nil removes it. See [WithLog].
func (c *Client) SetLog(log LogFunc) error {
	set := func(client *C.mcp_client, handle C.uintptr_t, failure **C.mcp_error) C.mcp_status {
		return C.bridge_set_log(client, handle, failure)
	}
	if log == nil {
		return c.setCallback(nil, set)
	}
	return c.setCallback(&logCallback{log, &c.core.runningCallbacks}, set)
}

type logCallback struct {
	function LogFunc
	running  *atomic.Int32
}

//export bridgeLog
func bridgeLog(handle C.uintptr_t, level C.int32_t, message *C.char) {
	callback := cgo.Handle(handle).Value().(*logCallback)
	callback.running.Add(1)
	defer callback.running.Add(-1)
	_ = runCallback(func() error {
		callback.function(LogLevel(level), C.GoString(message))
		return nil
	})
}
