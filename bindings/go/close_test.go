package mcp_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func TestCloseContextWithDoneContext(t *testing.T) {
	client := newSilentClient(t)
	result := startPing(t.Context(), client)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	_ = client.CloseContext(ctx)
	wantStatus(t, waitForReturn(t, "close", result, start), mcp.Closed)
	wantStatus(t, client.SetBearer("x"), mcp.Closed)
}

func TestAuthFuncMayClose(t *testing.T) {
	closed := make(chan error, 1)
	var once sync.Once
	client := newClient(t, scriptedURL(t, "legacy"))
	noError(t, client.SetAuth(func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) {
		once.Do(func() { closed <- client.Close() })
		return mcp.Credentials{}, nil
	}))
	wantStatus(t, client.Ping(t.Context()), mcp.Closed)
	noError(t, <-closed)
	wantStatus(t, client.Ping(t.Context()), mcp.Closed)
}

// A nilError panics in its Error method if the pointer is nil, a common mistake with error types.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestAuthErrorWithNilPointer(t *testing.T) {
	client := newClient(t, scriptedURL(t, "modern"))
	noError(t, client.SetAuth(func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) {
		var nothing *nilError
		return mcp.Credentials{}, nothing
	}))
	err := client.Ping(t.Context())
	wantStatus(t, err, mcp.AuthFailed)
	var panicked *mcp.PanicError
	if !errors.As(err, &panicked) {
		t.Error(err)
	}
	noError(t, client.SetAuth(nil))
	noError(t, client.Ping(t.Context()))
}

func TestNilOptionLeaksNoDescriptors(t *testing.T) {
	before := currentUsage(t).descriptors
	for range 50 {
		func() {
			defer func() { _ = recover() }()
			_, _ = mcp.New("http://127.0.0.1:9/", nil)
		}()
	}
	for range 1000 {
		if currentUsage(t).descriptors <= before+2 {
			return
		}
	}
	t.Errorf("%d open descriptors, %d before", currentUsage(t).descriptors, before)
}

func TestLogFuncMaySetTimeoutDuringClose(t *testing.T) {
	for range 50 {
		var client *mcp.Client
		client = newClient(t, scriptedURL(t, "sse"), mcp.WithLog(func(mcp.LogLevel, string) {
			_ = client.SetTimeout(time.Minute)
		}))
		noError(t, client.Ping(t.Context()))
		noError(t, client.Close())
	}
}
