// Package mcp is a client for the Model Context Protocol (MCP): one [Client] talks to one MCP server over Streamable
// HTTP, HTTP+SSE, or the standard streams of a process. It is the Go binding of libmcp, the MCP client library with a
// C interface.
//
//	client, err := mcp.New("https://example.com/mcp", mcp.WithBearer(token))
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	result, err := client.CallTool(ctx, "add", map[string]int{"a": 1, "b": 2})
//
// In this documentation, a legacy server uses a protocol version up to 2025-11-25, a modern server 2026-07-28 or later.
//
// # Linking
//
// The package finds libmcp with pkg-config, under the name "mcp". With the build tag "static" it uses "mcp-static"
// instead, and the program needs no shared library. It uses cgo: set CGO_ENABLED=1 if you compile for another system.
//
// # Contexts
//
// Every method that sends something to the server takes a context as its first argument. The context's deadline is the
// timeout of the call. When the context is done, the call returns within a moment, also while a handler waits for the
// user; the error then wraps [context.Cause]. If the context has no deadline, the client's timeout applies
// ([WithTimeout]; the default is one minute).
//
// # Errors
//
// Failed calls return an [*Error] with a [Status]: use errors.Is(err, mcp.Unauthorized) for the status, and errors.As
// for the HTTP status, the server's challenge and other details.
//
// # Authorization
//
// [WithBearer] sets a token that the program has, [WithAuth] a function that provides tokens. With [WithOAuth], the
// library obtains them as the specification describes: the user logs in, or the program identifies itself.
//
// # Goroutines
//
// Any number of goroutines may use a client at the same time. The functions that provide what a call needs run on
// separate goroutines, and their context ends with the call: the handlers of [WithElicitation], [WithSampling] and
// [WithRoots], an [AuthFunc], and the Open function of an [OAuth]. They may wait for the user.
//
// The other callbacks, such as a [LogFunc], must return soon: a call cannot end while one of them runs. They run on the
// goroutine of the call that they belong to, or on a thread of the library. C code is below them on the stack, so they
// must not end their goroutine: do not call [runtime.Goexit], or FailNow of a test.
//
// Panics are recovered, in both.
//
// Everything in this package is available since version 0.1.0.
package mcp
