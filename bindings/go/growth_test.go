package mcp_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// usage is the resource usage of a process.
type usage struct{ kib, descriptors, threads int }

// currentUsage returns the resource usage of this process after a garbage collection.
func currentUsage(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	status, err := os.ReadFile("/proc/self/status")
	noError(t, err)
	var u usage
	for line := range strings.Lines(string(status)) {
		words := strings.Fields(line)
		switch words[0] {
		case "VmRSS:":
			u.kib, err = strconv.Atoi(words[1])
		case "Threads:":
			u.threads, err = strconv.Atoi(words[1])
		}
		noError(t, err)
	}
	descriptors, err := os.ReadDir("/proc/self/fd")
	noError(t, err)
	u.descriptors = len(descriptors)
	return u
}

func TestNoGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("slow; the ctest test go.growth runs it")
	}
	round := func(url string) {
		client, err := mcp.New(url, mcp.WithBearer("token"), mcp.WithLog(func(mcp.LogLevel, string) {}),
			mcp.WithAuth(func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) {
				return mcp.Credentials{Bearer: "token"}, nil
			}))
		noError(t, err)
		noError(t, client.Ping(t.Context()))
		failure := errors.New("no")
		noError(t, client.SetAuth(func(context.Context, mcp.AuthRequest) (mcp.Credentials, error) {
			return mcp.Credentials{}, failure
		}))
		wantStatus(t, client.Ping(t.Context()), mcp.AuthFailed)
		noError(t, client.SetAuth(nil))
		noError(t, client.Close())
	}
	for name, url := range map[string]string{
		"Streamable HTTP": scriptedURL(t, "dual+bearer=token"), "HTTP+SSE": scriptedURL(t, "sse+bearer=token"),
	} {
		for range 1000 {
			round(url)
		}
		before := currentUsage(t)
		for range 10_000 {
			round(url)
		}
		after := currentUsage(t)
		// A client with callbacks is freed by another goroutine.
		for tries := 0; tries < 1000 && after.descriptors > before.descriptors+2; tries++ {
			runtime.Gosched()
			after = currentUsage(t)
		}
		t.Logf("%s, 10,000 rounds: %d -> %d KiB, %d -> %d descriptors, %d -> %d threads", name,
			before.kib, after.kib, before.descriptors, after.descriptors, before.threads, after.threads)
		if after.kib-before.kib > 8*1024 || after.descriptors > before.descriptors+2 ||
			after.threads > before.threads+2 {
			t.Error("memory, descriptors or threads are leaked")
		}
	}
}

func TestUnreachableClientsAreFreed(t *testing.T) {
	url := scriptedURL(t, "modern")
	before := currentUsage(t).descriptors
	for range 100 {
		client, err := mcp.New(url)
		noError(t, err)
		noError(t, client.Ping(t.Context()))
	}
	// Cleanups run some time after the garbage collection that found the clients unreachable.
	for range 1000 {
		if currentUsage(t).descriptors <= before+2 {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d open descriptors, %d before", currentUsage(t).descriptors, before)
}
