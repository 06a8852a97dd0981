package mcp_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func TestAuth(t *testing.T) {
	for _, name := range []string{"fastmcp4-static", "fastmcp4-sse"} {
		t.Run(name, func(t *testing.T) {
			s := real(t, name)
			var asked []mcp.AuthRequest
			token := s.Tokens["expired"]
			client := made(t, s.URL, mcp.WithAuth(func(r *mcp.AuthRequest) error {
				asked = append(asked, mcp.AuthRequest{URL: r.URL, Method: r.Method, Attempt: r.Attempt, HTTPStatus: r.HTTPStatus, Challenge: r.Challenge})
				if r.Attempt > 1 {
					token = s.Tokens["right"]
				}
				return r.SetBearer(token)
			}))
			need(t, client.Ping(t.Context()))
			if first := &asked[0]; first.URL != s.URL || first.Attempt != 1 || first.HTTPStatus != 0 || first.Challenge != "" {
				t.Errorf("%+v", first)
			}
			if second := &asked[1]; second.Attempt != 2 || second.HTTPStatus != 401 || !strings.Contains(second.Challenge, "invalid_token") {
				t.Errorf("%+v", second)
			}
		})
	}
}

func TestAuthSetsHeaders(t *testing.T) {
	s := real(t, "fastmcp4-apikey")
	client := made(t, s.URL)
	need(t, client.SetAuth(func(r *mcp.AuthRequest) error { return r.SetHeader("X-API-Key", s.Tokens["right"]) }))
	need(t, client.Ping(t.Context()))
	need(t, client.SetAuth(nil))
	failed(t, client.Ping(t.Context()), mcp.Unauthorized)
}

func TestAuthFails(t *testing.T) {
	why := errors.New("the vault is locked\x00\xff")
	err := made(t, scripted(t, "modern"), mcp.WithAuth(func(*mcp.AuthRequest) error { return why })).Ping(t.Context())
	if failed(t, err, mcp.AuthFailed); !errors.Is(err, why) || !strings.Contains(err.Error(), "the vault is locked") {
		t.Error(err)
	}
}

func TestAuthPanics(t *testing.T) {
	why := errors.New("oh no")
	for _, value := range []any{why, "oh no"} {
		client := made(t, scripted(t, "modern"), mcp.WithAuth(func(*mcp.AuthRequest) error { panic(value) }))
		err := client.Ping(t.Context())
		failed(t, err, mcp.AuthFailed)
		var panicked *mcp.PanicError
		if !errors.As(err, &panicked) || panicked.Value != value || !strings.Contains(string(panicked.Stack), "callbacks_test.go") {
			t.Error(err)
		}
		if value == any(why) && !errors.Is(err, why) {
			t.Error("the value of the panic is lost")
		}
		need(t, client.SetAuth(nil))
		need(t, client.Ping(t.Context()))
	}
}

func TestAuthIsNotForLater(t *testing.T) {
	var kept *mcp.AuthRequest
	client := made(t, scripted(t, "modern"), mcp.WithAuth(func(r *mcp.AuthRequest) error {
		kept = r
		return nil
	}))
	need(t, client.Ping(t.Context()))
	failed(t, kept.SetBearer("x"), mcp.Misuse)
	failed(t, kept.SetHeader("a", "b"), mcp.Misuse)
}

func TestAuthMustNotCall(t *testing.T) {
	var inner error
	var client *mcp.Client
	client = made(t, scripted(t, "modern"), mcp.WithAuth(func(r *mcp.AuthRequest) error {
		if inner == nil {
			inner = client.Ping(t.Context())
		}
		return r.SetBearer("a\x00b")
	}))
	failed(t, client.Ping(t.Context()), mcp.AuthFailed)
	failed(t, inner, mcp.Misuse)
}

func TestManyRefusalsRefreshOnce(t *testing.T) {
	// The server refuses every call's first token; the function spends one refresh on all of them.
	const calls = 64
	var refreshes atomic.Int32
	token := atomic.Value{}
	token.Store("old")
	client := made(t, scripted(t, "modern+bearer=new"), mcp.WithAuth(func(r *mcp.AuthRequest) error {
		if r.Attempt > 1 {
			refreshes.Add(1)
			token.Store("new")
		}
		return r.SetBearer(token.Load().(string))
	}))
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if err := client.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := refreshes.Load(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestManyFailuresShareOneCause(t *testing.T) {
	why := errors.New("no luck")
	client := made(t, scripted(t, "modern+bearer=other"), mcp.WithAuth(func(r *mcp.AuthRequest) error {
		if r.Attempt > 1 {
			return why
		}
		return r.SetBearer("token")
	}))
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if err := client.Ping(t.Context()); !errors.Is(err, why) {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestLog(t *testing.T) {
	var lines strings.Builder
	logger := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := made(t, scripted(t, "legacy"), mcp.WithLogger(logger), mcp.WithBearer("s3cr3t-token"))
	need(t, client.Ping(t.Context()))
	if text := lines.String(); !strings.Contains(text, "level=INFO") || !strings.Contains(text, "speaks protocol") || strings.Contains(text, "s3cr3t") {
		t.Error(text)
	}
	if mcp.LogError.Level() != slog.LevelError || mcp.LogWarning.Level() != slog.LevelWarn || mcp.LogDebug.Level() != slog.LevelDebug {
		t.Error("levels")
	}
}

func TestLogPanics(t *testing.T) {
	ran := false
	client := made(t, scripted(t, "legacy"), mcp.WithLog(func(mcp.LogLevel, string) {
		ran = true
		panic("in the log")
	}))
	need(t, client.Ping(t.Context()))
	if !ran {
		t.Error("the log function did not run")
	}
}

func TestCloseInTheLog(t *testing.T) {
	// On the goroutine of a call, and, on HTTP+SSE, on the reader's thread.
	for _, options := range []string{"legacy", "sse+fault=ping-after"} {
		closed := make(chan error, 1)
		var once sync.Once
		var client *mcp.Client
		client = made(t, scripted(t, options), mcp.WithLog(func(_ mcp.LogLevel, line string) {
			if strings.Contains(line, "speaks protocol") == (options == "legacy") {
				once.Do(func() { closed <- client.Close() })
			}
		}))
		_ = client.Ping(t.Context())
		need(t, <-closed)
		failed(t, client.Ping(t.Context()), mcp.Closed)
	}
}
