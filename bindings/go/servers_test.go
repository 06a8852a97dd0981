package mcp_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// A server is a real MCP server that a test fixture has started.
type server struct {
	URL    string            `json:"url"`
	Tokens map[string]string `json:"tokens"`
}

// realServer returns a running real server. ctest sets MCP_TEST_STATE to the folder that describes the servers.
func realServer(t testing.TB, name string) server {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(mustGetenv(t, "MCP_TEST_STATE"), name+".json"))
	noError(t, err)
	var s server
	noError(t, json.Unmarshal(text, &s))
	return s
}

// scriptedURL returns a URL of the project's test server, which behaves as the options in the URL say.
func scriptedURL(t testing.TB, options string) string {
	t.Helper()
	return mustGetenv(t, "MCP_TEST_URL") + "/s/" + options + "/mcp"
}

// mustGetenv returns an environment variable that ctest sets.
func mustGetenv(t testing.TB, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Fatalf("%s is not set: run these tests with ctest", variable)
	}
	return value
}

// noError ends the test if there is an error.
func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newClient returns a client that is closed when the test ends.
func newClient(t testing.TB, url string, options ...mcp.Option) *mcp.Client {
	t.Helper()
	client, err := mcp.New(url, options...)
	noError(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// wantStatus ends the test unless err is an error with this status, and returns that error.
func wantStatus(t testing.TB, err error, status mcp.Status) *mcp.Error {
	t.Helper()
	e, ok := err.(*mcp.Error)
	if !ok || e.Status != status {
		t.Fatalf("%v instead of %v", err, status)
	}
	return e
}
