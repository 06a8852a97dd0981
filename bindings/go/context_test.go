package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// silent is a connected client whose ping is never answered, and what shows that a ping has reached the server.
func silent(t *testing.T) *mcp.Client {
	t.Helper()
	client := made(t, scripted(t, "legacy+fault=silent+when=ping"))
	need(t, client.Connect(t.Context()))
	return client
}

// blocked starts a ping and gives its end; when it comes back, the ping waits for its answer, as far as its caller can tell.
func blocked(ctx context.Context, client *mcp.Client) <-chan error {
	begun, end := make(chan struct{}), make(chan error, 1)
	go func() {
		close(begun)
		end <- client.Ping(ctx)
	}()
	<-begun
	return end
}

// ended waits for a call that somebody has just ended, and says how long that took. On a busy machine, the time that the threads of
// this process waited for a processor is added to the bound, up to twice the bound.
func ended(t *testing.T, what string, end <-chan error, since time.Time) error {
	t.Helper()
	const bound = 2 * time.Second
	before := delays(t)
	timer := time.NewTimer(bound)
	defer timer.Stop()
	for late := false; ; late = true {
		select {
		case err := <-end:
			t.Logf("%s: returned after %v", what, time.Since(since).Round(time.Microsecond))
			return err
		case <-timer.C:
			if late {
				t.Fatalf("%s: the call is still blocked after %v", what, time.Since(since))
			}
			timer.Reset(min(bound, lost(before, delays(t))))
		}
	}
}

// delays gives how long each thread of this process has waited for a processor; nothing where the system does not tell.
func delays(t *testing.T) map[string]time.Duration {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/schedstat")
	need(t, err)
	found := map[string]time.Duration{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		var ran, queued int64
		if _, err := fmt.Sscan(string(text), &ran, &queued); err == nil {
			found[file] = time.Duration(queued)
		}
	}
	return found
}

// lost is how long the threads waited for a processor between two calls of delays.
func lost(before, after map[string]time.Duration) time.Duration {
	var sum time.Duration
	for file, delay := range after {
		sum += delay - before[file]
	}
	return sum
}

func TestCancel(t *testing.T) {
	why := errors.New("changed my mind")
	client := silent(t)
	for range 20 {
		ctx, cancel := context.WithCancelCause(t.Context())
		end := blocked(ctx, client)
		begun := time.Now()
		cancel(why)
		err := ended(t, "cancel", end, begun)
		failed(t, err, mcp.Cancelled)
		if !errors.Is(err, why) || context.Cause(ctx) != errors.Unwrap(err) {
			t.Errorf("%v is not %v", err, why)
		}
	}
	plain, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Ping(plain); !errors.Is(err, context.Canceled) || !errors.Is(err, mcp.Cancelled) {
		t.Error(err)
	}
}

func TestDeadline(t *testing.T) {
	client := silent(t)
	why := errors.New("late")
	for _, options := range [][]mcp.CallOption{nil, {mcp.Timeout(time.Hour)}, {mcp.Timeout(0)}} {
		begun := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
		err := client.Ping(ctx, options...)
		failed(t, err, mcp.TimedOut)
		if !errors.Is(err, why) || time.Since(begun) < 50*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		cancel()
	}
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	if err := client.Ping(past); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, mcp.TimedOut) {
		t.Error(err)
	}
}

func TestTimeouts(t *testing.T) {
	client := silent(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, option := range []mcp.CallOption{mcp.Timeout(40 * time.Millisecond), mcp.IdleTimeout(40 * time.Millisecond)} {
		err := client.Ping(ctx, option)
		failed(t, err, mcp.TimedOut)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("the context's deadline is an hour away")
		}
	}
	need(t, client.SetTimeout(40*time.Millisecond))
	failed(t, client.Ping(t.Context()), mcp.TimedOut)
}

func TestCloseEndsCalls(t *testing.T) {
	client := silent(t)
	var ends []<-chan error
	for range 8 {
		ends = append(ends, blocked(t.Context(), client))
	}
	begun := time.Now()
	need(t, client.Close())
	for _, end := range ends {
		failed(t, ended(t, "close", end, begun), mcp.Closed)
	}
}

func TestUseAfterClose(t *testing.T) {
	client := made(t, scripted(t, "legacy"))
	need(t, client.Ping(t.Context()))
	for range 3 {
		need(t, client.Close())
	}
	failed(t, client.Ping(t.Context()), mcp.Closed)
	failed(t, client.SetBearer("x"), mcp.Closed)
	failed(t, client.SetAuth(func(*mcp.AuthRequest) error { return nil }), mcp.Closed)
	failed(t, client.SetLog(func(mcp.LogLevel, string) {}), mcp.Closed)
	if _, err := client.ServerInfo(t.Context()); !errors.Is(err, mcp.Closed) {
		t.Error(err)
	}
}

func TestCloseContext(t *testing.T) {
	client := made(t, scripted(t, "legacy+fault=silent+when=DELETE"))
	need(t, client.Ping(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	failed(t, client.CloseContext(ctx), mcp.TimedOut)
	failed(t, client.Ping(t.Context()), mcp.Closed)
}

func TestManyGoroutinesOnOneClient(t *testing.T) {
	for _, name := range []string{"fastmcp4-static", "fastmcp4-sse", "everything"} {
		t.Run(name, func(t *testing.T) {
			s := real(t, name)
			client := made(t, s.URL, mcp.WithBearer(s.Tokens["right"]))
			var all sync.WaitGroup
			for range 64 {
				all.Go(func() {
					for range 4 {
						if err := client.Ping(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
		})
	}
}

func TestEverythingAtOnce(t *testing.T) {
	// Calls, settings, cancels and a close, all on one client: nothing but the statuses that this can lead to.
	client := made(t, scripted(t, "dual"))
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for range 20 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%4 == 0 {
					go cancel()
				}
				err := client.Ping(ctx)
				if err != nil && !errors.Is(err, mcp.Cancelled) && !errors.Is(err, mcp.Closed) {
					t.Error(err)
				}
				cancel()
				_ = client.SetHeader("X-Number", "1")
				_ = client.SetLog(func(mcp.LogLevel, string) {})
			}
		})
	}
	time.AfterFunc(50*time.Millisecond, func() { client.Close() })
	all.Wait()
}
