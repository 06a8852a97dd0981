package mcp_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// recordStates returns an option that sends the changes of the state to a channel.
func recordStates() (mcp.Option, chan mcp.State) {
	states := make(chan mcp.State, 16)
	return mcp.WithStateChanged(func(state mcp.State) { states <- state }), states
}

func wantStates(t testing.TB, states chan mcp.State, expected ...mcp.State) {
	t.Helper()
	for _, state := range expected {
		select {
		case changed := <-states:
			wantEqual(t, changed, state)
		case <-time.After(time.Minute):
			t.Fatalf("no change to %v", state)
		}
	}
}

func TestStateFollowsTheSession(t *testing.T) {
	option, states := recordStates()
	// The server counts the faults of each path.
	tag := strconv.FormatInt(time.Now().UnixNano(), 36)
	client := newClient(t, scriptedURL(t, "legacy+fault=lost-session+when=ping+times=1+tag="+tag), option)
	wantEqual(t, client.State(), mcp.StateNotConnected)
	noError(t, client.Connect(t.Context()))
	wantEqual(t, client.State(), mcp.StateConnected)
	noError(t, client.Ping(t.Context()))
	wantStates(t, states, mcp.StateConnected, mcp.StateLost, mcp.StateConnected)
	noError(t, client.Close())
	wantStates(t, states, mcp.StateClosed)
	wantEqual(t, client.State(), mcp.StateClosed)
	wantEqual(t, client.State().String(), "closed")
	wantEqual(t, mcp.State(99).String(), "state 99")
}

func TestStateOfAKilledProcess(t *testing.T) {
	const script = `while read -r line; do
		case $line in *'"id":'*) ;; *) continue ;; esac
		id=${line#*'"id":'}; id=${id%%,*}
		echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"'$$'","version":"1"}}}'
	done`
	option, states := recordStates()
	client, err := mcp.NewProcess([]string{"/bin/sh", "-c", script}, option, mcp.WithProtocolVersion("2025-11-25"))
	noError(t, err)
	t.Cleanup(func() { client.Close() })
	info, err := client.ServerInfo(t.Context())
	noError(t, err)
	pid, err := strconv.Atoi(info.Server.Name)
	noError(t, err)
	process, err := os.FindProcess(pid)
	noError(t, err)
	noError(t, process.Kill())
	wantStates(t, states, mcp.StateConnected, mcp.StateProcessEnded)
	wantEqual(t, client.State(), mcp.StateProcessEnded)
	noError(t, client.SetStateChanged(nil))
	noError(t, client.Ping(t.Context()))
	wantEqual(t, client.State(), mcp.StateConnected)
	wantEqual(t, len(states), 0)
}

// sentMethods returns an option that records the methods that a client sends.
func sentMethods(methods *[]string) mcp.Option {
	return mcp.WithTrace(func(direction mcp.TraceDirection, text string) {
		var message struct{ Method string }
		if json.Unmarshal([]byte(text), &message) == nil && direction == mcp.TraceSent {
			*methods = append(*methods, message.Method)
		}
	})
}

func TestSavedSessionIsContinued(t *testing.T) {
	for _, options := range []string{"legacy", "modern"} {
		url := scriptedURL(t, options)
		first := newClient(t, url)
		_, err := first.SaveSession()
		wantStatus(t, err, mcp.Misuse)
		noError(t, first.Connect(t.Context()))
		saved, err := first.SaveSession()
		noError(t, err)
		var members struct{ ProtocolVersion, SessionID string }
		noError(t, json.Unmarshal(saved, &members))
		wantEqual(t, members.SessionID != "", options == "legacy")

		var methods []string
		second := newClient(t, url, mcp.WithSavedSession(saved), sentMethods(&methods))
		_, err = second.ListTools(t.Context())
		noError(t, err)
		if !slices.Equal(methods, []string{"tools/list"}) {
			t.Error(methods)
		}
		info, err := second.ServerInfo(t.Context())
		noError(t, err)
		wantEqual(t, info.ProtocolVersion, members.ProtocolVersion)
		wantStatus(t, second.SetSavedSession(saved), mcp.Misuse)
	}
}

func TestWrongSavedSessions(t *testing.T) {
	client := newClient(t, scriptedURL(t, "legacy"), mcp.WithSavedSession(nil))
	noError(t, client.Connect(t.Context()))
	saved, err := client.SaveSession()
	noError(t, err)
	elsewhere := strings.Replace(string(saved), "127.0.0.1", "127.0.0.2", 1)
	for _, text := range []string{"", "{}", string(saved[1:]), elsewhere} {
		_, err := mcp.New(scriptedURL(t, "legacy"), mcp.WithSavedSession([]byte(text)))
		wantStatus(t, err, mcp.InvalidArgument)
	}
	_, err = mcp.New(scriptedURL(t, "legacy"), mcp.WithProtocolVersion("2025-06-18"), mcp.WithSavedSession(saved))
	wantStatus(t, err, mcp.InvalidArgument)
}

// A command-line tool continues the session of its last run.
func ExampleClient_SaveSession() {
	const path = "session.json"
	client, err := mcp.New("https://example.com/mcp")
	if err != nil {
		return
	}
	if saved, err := os.ReadFile(path); err == nil && client.SetSavedSession(saved) != nil {
		os.Remove(path) // it is of another server or version: connect as usual
	}
	if _, err := client.CallTool(context.Background(), "search", map[string]string{"text": "pumps"}); err != nil {
		return // the old file is kept
	}
	if saved, err := client.SaveSession(); err == nil {
		_ = os.WriteFile(path, saved, 0o600)
	}
	// No Close, which would end the session.
}
