package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

func TestAuthRunsAgainAfterRejection(t *testing.T) {
	for _, name := range []string{"fastmcp4-static", "fastmcp4-sse"} {
		t.Run(name, func(t *testing.T) {
			s := realServer(t, name)
			var requests []mcp.AuthRequest
			token := s.Tokens["expired"]
			auth := func(_ context.Context, r mcp.AuthRequest) (mcp.Credentials, error) {
				requests = append(requests, r)
				if r.Attempt > 1 {
					token = s.Tokens["right"]
				}
				return mcp.Credentials{Bearer: token}, nil
			}
			client := newClient(t, s.URL, mcp.WithAuth(auth))
			noError(t, client.Ping(t.Context()))
			first, second := &requests[0], &requests[1]
			if first.URL != s.URL || first.Attempt != 1 || first.HTTPStatus != 0 || first.Challenge != "" {
				t.Errorf("%+v", first)
			}
			if second.Attempt != 2 || second.HTTPStatus != 401 ||
				!strings.Contains(second.Challenge, "invalid_token") {
				t.Errorf("%+v", second)
			}
		})
	}
}

func TestAuthSetsHeaders(t *testing.T) {
	s := realServer(t, "fastmcp4-apikey")
	client := newClient(t, s.URL)
	noError(t, client.SetAuth(func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) {
		return mcp.Credentials{Header: http.Header{"X-Api-Key": {s.Tokens["right"]}, "X-None": nil}}, nil
	}))
	noError(t, client.Ping(t.Context()))
	noError(t, client.SetAuth(nil))
	wantStatus(t, client.Ping(t.Context()), mcp.Unauthorized)
}

func TestAuthErrorIsWrapped(t *testing.T) {
	why := errors.New("the vault is locked\x00\xff")
	auth := func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) { return mcp.Credentials{}, why }
	err := newClient(t, scriptedURL(t, "modern"), mcp.WithAuth(auth)).Ping(t.Context())
	wantStatus(t, err, mcp.AuthFailed)
	if !errors.Is(err, why) || !strings.Contains(err.Error(), "the vault is locked") {
		t.Error(err)
	}
}

func TestAuthPanicIsWrapped(t *testing.T) {
	why := errors.New("oh no")
	for _, value := range []any{why, "oh no"} {
		auth := func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) { panic(value) }
		client := newClient(t, scriptedURL(t, "modern"), mcp.WithAuth(auth))
		err := client.Ping(t.Context())
		wantStatus(t, err, mcp.AuthFailed)
		var panicked *mcp.PanicError
		if !errors.As(err, &panicked) || panicked.Value != value ||
			!strings.Contains(string(panicked.Stack), "callbacks_test.go") {
			t.Error(err)
		}
		if value == any(why) && !errors.Is(err, why) {
			t.Error("the error does not wrap the value of the panic")
		}
		noError(t, client.SetAuth(nil))
		noError(t, client.Ping(t.Context()))
	}
}

func TestInvalidCredentials(t *testing.T) {
	for _, credentials := range []mcp.Credentials{
		{Bearer: "a\x00b"}, {Bearer: "Bearer x"}, {Header: http.Header{"Host": {"x"}}},
		{Header: http.Header{"X-A": {"a\nb"}}}, {Header: http.Header{"X-A": {"a\x00b"}}},
	} {
		auth := func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) { return credentials, nil }
		err := newClient(t, scriptedURL(t, "modern"), mcp.WithAuth(auth)).Ping(t.Context())
		wantStatus(t, err, mcp.AuthFailed)
		wantStatus(t, errors.Unwrap(err), mcp.InvalidArgument)
	}
}

func TestAuthFuncMustNotCallItsClient(t *testing.T) {
	var inner, other error
	var client *mcp.Client
	another := newClient(t, scriptedURL(t, "modern"))
	auth := func(ctx context.Context, r mcp.AuthRequest) (mcp.Credentials, error) {
		inner, other = client.Ping(ctx), another.Ping(ctx)
		return mcp.Credentials{}, nil
	}
	client = newClient(t, scriptedURL(t, "modern"), mcp.WithAuth(auth))
	noError(t, client.Ping(t.Context()))
	wantStatus(t, inner, mcp.Misuse)
	noError(t, other)
}

func TestConcurrentRejectionsRefreshOnce(t *testing.T) {
	// The server rejects the first token of every call; one refresh must be enough for all of them.
	const calls = 64
	var refreshes atomic.Int32
	token := atomic.Value{}
	token.Store("old")
	auth := func(_ context.Context, r mcp.AuthRequest) (mcp.Credentials, error) {
		if r.Attempt > 1 {
			refreshes.Add(1)
			token.Store("new")
		}
		return mcp.Credentials{Bearer: token.Load().(string)}, nil
	}
	client := newClient(t, scriptedURL(t, "modern+bearer=new"), mcp.WithAuth(auth))
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
		t.Errorf("%d refreshes instead of 1", n)
	}
}

func TestConcurrentFailuresShareOneCause(t *testing.T) {
	why := errors.New("no luck")
	auth := func(_ context.Context, r mcp.AuthRequest) (mcp.Credentials, error) {
		if r.Attempt > 1 {
			return mcp.Credentials{}, why
		}
		return mcp.Credentials{Bearer: "token"}, nil
	}
	client := newClient(t, scriptedURL(t, "modern+bearer=other"), mcp.WithAuth(auth))
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

func TestLoggerReceivesMessages(t *testing.T) {
	var lines strings.Builder
	logger := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := newClient(t, scriptedURL(t, "legacy"), mcp.WithLogger(logger), mcp.WithBearer("s3cr3t-token"))
	noError(t, client.Ping(t.Context()))
	text := lines.String()
	if !strings.Contains(text, "level=INFO") || !strings.Contains(text, "speaks protocol") {
		t.Errorf("the version is not logged: %s", text)
	}
	if strings.Contains(text, "s3cr3t") {
		t.Errorf("the log contains the token: %s", text)
	}
	wantEqual(t, mcp.LogError.Level(), slog.LevelError)
	wantEqual(t, mcp.LogWarning.Level(), slog.LevelWarn)
	wantEqual(t, mcp.LogDebug.Level(), slog.LevelDebug)
}

func TestTraceReceivesMessages(t *testing.T) {
	var messages strings.Builder
	trace := func(direction mcp.TraceDirection, text string) {
		fmt.Fprintln(&messages, direction == mcp.TraceSent, text)
	}
	client := newClient(t, scriptedURL(t, "dual"), mcp.WithBearer("s3cr3t-token"), mcp.WithTrace(trace),
		mcp.WithDebugOutput())
	_, err := client.CallTool(t.Context(), "echo", map[string]string{"text": "the s3cr3t-token"})
	noError(t, err)
	text := messages.String()
	for _, expected := range []string{`true {"jsonrpc":"2.0","id":1,"method":`, `false {"jsonrpc":"2.0","id":1,"result":`,
		"the [redacted]"} {
		if !strings.Contains(text, expected) {
			t.Errorf("the trace does not contain %s: %s", expected, text)
		}
	}
	if strings.Contains(text, "s3cr3t") {
		t.Errorf("the trace contains the token: %s", text)
	}
	noError(t, client.SetTrace(nil))
	noError(t, client.Ping(t.Context()))
	wantEqual(t, messages.String(), text)
}

func TestLogFuncPanicIsIgnored(t *testing.T) {
	ran := false
	client := newClient(t, scriptedURL(t, "legacy"), mcp.WithLog(func(mcp.LogLevel, string) {
		ran = true
		panic("in the log function")
	}))
	noError(t, client.Ping(t.Context()))
	if !ran {
		t.Error("the log function did not run")
	}
}

func TestLogFuncMayClose(t *testing.T) {
	// "legacy" logs on the goroutine of a call; with HTTP+SSE, the function runs on the reader thread.
	for _, options := range []string{"legacy", "sse+fault=ping-after"} {
		closed := make(chan error, 1)
		var once sync.Once
		var client *mcp.Client
		client = newClient(t, scriptedURL(t, options), mcp.WithLog(func(_ mcp.LogLevel, line string) {
			if strings.Contains(line, "speaks protocol") == (options == "legacy") {
				once.Do(func() { closed <- client.Close() })
			}
		}))
		_ = client.Ping(t.Context())
		noError(t, <-closed)
		wantStatus(t, client.Ping(t.Context()), mcp.Closed)
	}
}
