package mcp_test

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// usage is what a process holds.
type usage struct{ kib, descriptors, threads int }

func used(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	status, err := os.ReadFile("/proc/self/status")
	need(t, err)
	var u usage
	for line := range strings.Lines(string(status)) {
		words := strings.Fields(line)
		switch words[0] {
		case "VmRSS:":
			u.kib, err = strconv.Atoi(words[1])
		case "Threads:":
			u.threads, err = strconv.Atoi(words[1])
		}
		need(t, err)
	}
	descriptors, err := os.ReadDir("/proc/self/fd")
	need(t, err)
	u.descriptors = len(descriptors)
	return u
}

func TestNoGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while; go.growth runs it")
	}
	round := func(url string, closes bool) {
		client, err := mcp.New(url, mcp.WithBearer("token"), mcp.WithLog(func(mcp.LogLevel, string) {}),
			mcp.WithAuth(func(r *mcp.AuthRequest) error { return r.SetBearer("token") }))
		need(t, err)
		need(t, client.Ping(t.Context()))
		failing := errors.New("no")
		need(t, client.SetAuth(func(*mcp.AuthRequest) error { return failing }))
		failed(t, client.Ping(t.Context()), mcp.AuthFailed)
		if closes {
			need(t, client.SetAuth(nil))
			need(t, client.Close())
		}
	}
	for name, url := range map[string]string{
		"Streamable HTTP": scripted(t, "dual+bearer=token"), "HTTP+SSE": scripted(t, "sse+bearer=token"),
	} {
		for range 1000 {
			round(url, true)
		}
		before := used(t)
		for range 10_000 {
			round(url, true)
		}
		after := used(t)
		t.Logf("%s, 10,000 rounds: %d -> %d KiB, %d -> %d descriptors, %d -> %d threads", name,
			before.kib, after.kib, before.descriptors, after.descriptors, before.threads, after.threads)
		if after.kib-before.kib > 8*1024 || after.descriptors > before.descriptors+2 || after.threads > before.threads+2 {
			t.Error("it grows")
		}
	}
}

func TestForgottenClients(t *testing.T) {
	url := scripted(t, "modern")
	open := used(t).descriptors
	for range 100 {
		client, err := mcp.New(url)
		need(t, err)
		need(t, client.Ping(t.Context()))
	}
	// Cleanups run some time after the collection that found nobody who knows the clients.
	for range 1000 {
		if used(t).descriptors <= open+2 {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d descriptors, %d before", used(t).descriptors, open)
}
