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

// newSilentClient returns a connected client of a server that never responds to a ping.
func newSilentClient(t *testing.T) *mcp.Client {
	t.Helper()
	client := newClient(t, scriptedURL(t, "legacy+fault=silent+when=ping"))
	noError(t, client.Connect(t.Context()))
	return client
}

// startPing starts a ping on a new goroutine and returns the channel for its result. It returns when that goroutine
// runs, perhaps before the ping is sent.
func startPing(ctx context.Context, client *mcp.Client) <-chan error {
	started, result := make(chan struct{}), make(chan error, 1)
	go func() {
		close(started)
		result <- client.Ping(ctx)
	}()
	<-started
	return result
}

// waitForReturn waits for the result of a call that the test ended, with the operation what at the time since, and logs
// how long it took. The test fails after two seconds; see returnWithin.
func waitForReturn(t *testing.T, what string, result <-chan error, since time.Time) error {
	t.Helper()
	return returnWithin(t, 2*time.Second, what, result, since)
}

// returnWithin is waitForReturn with another limit. On a busy machine, the limit is extended by the time that the
// threads of this process waited for a processor, at most by two seconds.
func returnWithin(t *testing.T, bound time.Duration, what string, result <-chan error, since time.Time) error {
	t.Helper()
	before := schedulingDelays(t)
	timer := time.NewTimer(bound)
	defer timer.Stop()
	for extended := false; ; extended = true {
		select {
		case err := <-result:
			t.Logf("%s: returned after %v", what, time.Since(since).Round(time.Microsecond))
			return err
		case <-timer.C:
			if extended {
				t.Fatalf("%s: the call is still blocked after %v", what, time.Since(since))
			}
			timer.Reset(min(2*time.Second, addedDelay(before, schedulingDelays(t))))
		}
	}
}

// schedulingDelays returns how long each thread of this process has waited for a processor, by the thread's schedstat
// file. It is empty on systems without these files.
func schedulingDelays(t *testing.T) map[string]time.Duration {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/schedstat")
	noError(t, err)
	delays := map[string]time.Duration{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		var ran, queued int64
		if _, err := fmt.Sscan(string(text), &ran, &queued); err == nil {
			delays[file] = time.Duration(queued)
		}
	}
	return delays
}

// addedDelay returns how long the threads waited for a processor between two calls of schedulingDelays.
func addedDelay(before, after map[string]time.Duration) time.Duration {
	var sum time.Duration
	for file, delay := range after {
		sum += delay - before[file]
	}
	return sum
}

func TestCancelledContextEndsCall(t *testing.T) {
	why := errors.New("changed my mind")
	client := newSilentClient(t)
	for range 20 {
		ctx, cancel := context.WithCancelCause(t.Context())
		result := startPing(ctx, client)
		start := time.Now()
		cancel(why)
		err := waitForReturn(t, "cancel", result, start)
		wantStatus(t, err, mcp.Cancelled)
		if !errors.Is(err, why) || context.Cause(ctx) != errors.Unwrap(err) {
			t.Errorf("%v does not wrap %v", err, why)
		}
	}
	plain, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Ping(plain); !errors.Is(err, context.Canceled) || !errors.Is(err, mcp.Cancelled) {
		t.Error(err)
	}
}

func TestContextDeadlineEndsCall(t *testing.T) {
	client := newSilentClient(t)
	why := errors.New("late")
	for _, options := range [][]mcp.CallOption{nil, {mcp.Timeout(time.Hour)}, {mcp.Timeout(0)}} {
		start := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
		err := client.Ping(ctx, options...)
		wantStatus(t, err, mcp.TimedOut)
		if !errors.Is(err, why) || time.Since(start) < 50*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		cancel()
	}
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	if err := client.Ping(past); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, mcp.TimedOut) {
		t.Error(err)
	}
}

func TestTimeoutsEndCall(t *testing.T) {
	client := newSilentClient(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	const timeout = 40 * time.Millisecond
	for _, option := range []mcp.CallOption{mcp.Timeout(timeout), mcp.IdleTimeout(timeout)} {
		err := client.Ping(ctx, option)
		wantStatus(t, err, mcp.TimedOut)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("the error is that of the context, whose deadline is an hour away")
		}
	}
	noError(t, client.SetTimeout(timeout))
	wantStatus(t, client.Ping(t.Context()), mcp.TimedOut)
}

func TestCloseEndsCalls(t *testing.T) {
	client := newSilentClient(t)
	var results []<-chan error
	for range 8 {
		results = append(results, startPing(t.Context(), client))
	}
	start := time.Now()
	noError(t, client.Close())
	for _, result := range results {
		wantStatus(t, waitForReturn(t, "close", result, start), mcp.Closed)
	}
}

func TestCallsAfterCloseFail(t *testing.T) {
	client := newClient(t, scriptedURL(t, "legacy"))
	noError(t, client.Ping(t.Context()))
	for range 3 {
		noError(t, client.Close())
	}
	wantStatus(t, client.Ping(t.Context()), mcp.Closed)
	wantStatus(t, client.SetBearer("x"), mcp.Closed)
	auth := func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) { return mcp.Credentials{}, nil }
	wantStatus(t, client.SetAuth(auth), mcp.Closed)
	wantStatus(t, client.SetLog(func(mcp.LogLevel, string) {}), mcp.Closed)
	if _, err := client.ServerInfo(t.Context()); !errors.Is(err, mcp.Closed) {
		t.Error(err)
	}
}

func TestCloseContextDeadline(t *testing.T) {
	client := newClient(t, scriptedURL(t, "legacy+fault=silent+when=DELETE"))
	noError(t, client.Ping(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantStatus(t, client.CloseContext(ctx), mcp.TimedOut)
	wantStatus(t, client.Ping(t.Context()), mcp.Closed)
}

func TestManyGoroutinesShareOneClient(t *testing.T) {
	for _, name := range []string{"fastmcp4-static", "fastmcp4-sse", "everything"} {
		t.Run(name, func(t *testing.T) {
			s := realServer(t, name)
			client := newClient(t, s.URL, mcp.WithBearer(s.Tokens["right"]))
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

func TestConcurrentCallsSettingsCancelsAndClose(t *testing.T) {
	// No call may fail with a status other than Cancelled and Closed.
	client := newClient(t, scriptedURL(t, "dual"))
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
