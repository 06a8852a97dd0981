// Package mcp is a client for the Model Context Protocol: one [Client] talks to one MCP server, of whatever protocol version, on
// Streamable HTTP, HTTP+SSE, or the standard streams of a process. It is the Go binding of libmcp, the MCP client library with a C interface.
//
//	client, err := mcp.New("https://example.com/mcp", mcp.WithBearer(token))
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	result, err := client.CallTool(ctx, "add", map[string]int{"a": 1, "b": 2})
//
// # Linking
//
// The package finds libmcp by pkg-config, as the package "mcp". With the build tag "static" it finds "mcp-static", and the program
// needs no shared library.
//
// # Contexts
//
// Everything that goes to the server takes a context first. Its deadline becomes the timeout of the call, and the end of the context
// ends the call within a moment, wherever it is blocked but in a callback of the program; the error then wraps [context.Cause].
// Without a deadline, the client's timeout holds ([WithTimeout]), which is one minute where nobody sets it.
//
// # Errors
//
// What fails is an [*Error], whose [Status] says how: errors.Is(err, mcp.Unauthorized), or errors.As for the HTTP status, the
// server's challenge and the rest.
//
// # Goroutines
//
// A client may be used by any number of goroutines at once. Callbacks run on the goroutine of the call that they belong to, or on a
// thread of the library's own. They run inside of a call of C, so they must not end their goroutine: no [runtime.Goexit], and no
// FailNow of a test. Panics are caught.
//
// Since 0.1.0.
package mcp
