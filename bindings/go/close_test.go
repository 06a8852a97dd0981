package mcp_test

import (
	"context"
	"errors"
	"testing"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func TestCloseWithAContextThatHasEnded(t *testing.T) {
	client := silent(t)
	end := blocked(t.Context(), client)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	_ = client.CloseContext(ctx)
	failed(t, ended(t, "close", end, begun), mcp.Closed)
	failed(t, client.SetBearer("x"), mcp.Closed)
}

func TestCloseInTheAuthFunc(t *testing.T) {
	var inner error
	client := made(t, scripted(t, "legacy"))
	need(t, client.SetAuth(func(*mcp.AuthRequest) error {
		if inner == nil {
			inner = client.Close()
		}
		return nil
	}))
	_ = client.Ping(t.Context())
	failed(t, inner, mcp.Misuse)
	need(t, client.Ping(t.Context()))
	need(t, client.SetAuth(nil))
	need(t, client.Close())
	failed(t, client.Ping(t.Context()), mcp.Closed)
}

// nilError is what many a program returns by mistake.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestNilPointerAsError(t *testing.T) {
	client := made(t, scripted(t, "modern"))
	need(t, client.SetAuth(func(*mcp.AuthRequest) error {
		var nothing *nilError
		return nothing
	}))
	err := client.Ping(t.Context())
	failed(t, err, mcp.AuthFailed)
	var panicked *mcp.PanicError
	if !errors.As(err, &panicked) {
		t.Error(err)
	}
	need(t, client.SetAuth(nil))
	need(t, client.Ping(t.Context()))
}

func TestNilOptionLeaksNothing(t *testing.T) {
	open := used(t).descriptors
	for range 50 {
		func() {
			defer func() { _ = recover() }()
			_, _ = mcp.New("http://127.0.0.1:9/", nil)
		}()
	}
	for range 1000 {
		if used(t).descriptors <= open+2 {
			return
		}
	}
	t.Errorf("%d descriptors, %d before", used(t).descriptors, open)
}

func TestSetTimeoutInTheLogWhileClosing(t *testing.T) {
	for range 50 {
		var client *mcp.Client
		client = made(t, scripted(t, "sse"), mcp.WithLog(func(mcp.LogLevel, string) { _ = client.SetTimeout(time.Minute) }))
		need(t, client.Ping(t.Context()))
		need(t, client.Close())
	}
}
