package mcp_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// A server is a real one that the tests' fixtures have started.
type server struct {
	URL    string            `json:"url"`
	Tokens map[string]string `json:"tokens"`
}

// real gives a running server; the folder of the fixtures' state comes from ctest.
func real(t testing.TB, name string) server {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(must(t, "MCP_TEST_STATE"), name+".json"))
	need(t, err)
	var s server
	need(t, json.Unmarshal(text, &s))
	return s
}

// scripted gives the URL of a server of the project's own, which does what its options say.
func scripted(t testing.TB, options string) string {
	t.Helper()
	return must(t, "MCP_TEST_URL") + "/s/" + options + "/mcp"
}

func must(t testing.TB, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Fatalf("%s is not set: run these tests with ctest", variable)
	}
	return value
}

func need(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made makes a client that ends with the test.
func made(t testing.TB, url string, options ...mcp.Option) *mcp.Client {
	t.Helper()
	client, err := mcp.New(url, options...)
	need(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// failed is the library's error, and fails unless its status is the wanted one.
func failed(t testing.TB, err error, status mcp.Status) *mcp.Error {
	t.Helper()
	e, is := err.(*mcp.Error)
	if !is || e.Status != status {
		t.Fatalf("%v instead of %v", err, status)
	}
	return e
}
