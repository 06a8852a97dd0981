package mcp

// #include "bridge.h"
import "C"

// A Status says how a call ended. It is an error, to be used with [errors.Is]:
//
//	if errors.Is(err, mcp.Unauthorized) { ... }
//
// A later version of the library may add more.
type Status int32

const (
	// InvalidArgument: an argument cannot be used. Nothing was sent.
	InvalidArgument Status = C.MCP_INVALID_ARGUMENT
	// Misuse: the call came at the wrong time, such as a setting after the first request that fixed it.
	Misuse Status = C.MCP_MISUSE
	// Internal: a bug in libmcp, caught before it could hurt the program. Please report it.
	Internal Status = C.MCP_INTERNAL
	// Cancelled: the context of the call was cancelled.
	Cancelled Status = C.MCP_CANCELLED
	// Closed: the client was closed, before or during the call.
	Closed Status = C.MCP_CLOSED
	// TimedOut: the call's timeout passed, or its idle limit.
	TimedOut Status = C.MCP_TIMEOUT
	// ResolveFailed: the server's name has no address.
	ResolveFailed Status = C.MCP_RESOLVE_FAILED
	// ConnectFailed: nobody accepts connections there.
	ConnectFailed Status = C.MCP_CONNECT_FAILED
	// TLSFailed: no trusted TLS connection.
	TLSFailed Status = C.MCP_TLS_FAILED
	// Disconnected: the connection was reset, or ended before an answer.
	Disconnected Status = C.MCP_DISCONNECTED
	// Truncated: the answer ended before it was complete.
	Truncated Status = C.MCP_TRUNCATED
	// Unauthorized: HTTP 401; the server wants credentials, or refuses those that it got.
	Unauthorized Status = C.MCP_UNAUTHORIZED
	// Forbidden: HTTP 403; the credentials are known and do not suffice.
	Forbidden Status = C.MCP_FORBIDDEN
	// NotFound: HTTP 404; nothing at this URL speaks MCP.
	NotFound Status = C.MCP_NOT_FOUND
	// RateLimited: HTTP 429; see [Error.RetryAfter].
	RateLimited Status = C.MCP_RATE_LIMITED
	// ServerError: HTTP 5xx, except those of Unavailable.
	ServerError Status = C.MCP_SERVER_ERROR
	// Unavailable: HTTP 502, 503 or 504; try again later.
	Unavailable Status = C.MCP_UNAVAILABLE
	// HTTPError: any other HTTP status that has no place in the protocol, or an answer that is no HTTP at all.
	HTTPError Status = C.MCP_HTTP_ERROR
	// RedirectRefused: a redirect that is not followed, because credentials would leave their origin.
	RedirectRefused Status = C.MCP_REDIRECT_REFUSED
	// UnexpectedContent: HTML, plain text or nothing where a message belongs.
	UnexpectedContent Status = C.MCP_UNEXPECTED_CONTENT
	// InvalidJSON: what says that it is JSON is not.
	InvalidJSON Status = C.MCP_INVALID_JSON
	// InvalidMessage: JSON, but not a message that the protocol allows here.
	InvalidMessage Status = C.MCP_INVALID_MESSAGE
	// WrongID: the answer carries a result for another request.
	WrongID Status = C.MCP_WRONG_ID
	// RPCError: the server answered with a JSON-RPC error; see [Error.RPC].
	RPCError Status = C.MCP_RPC_ERROR
	// VersionUnsupported: the server and this client share no protocol version, or not the pinned one.
	VersionUnsupported Status = C.MCP_VERSION_UNSUPPORTED
	// SessionLost: the server no longer knows the session, and the request was not sent again: it may have been executed, or
	// the server forgot a second session as well. The next call opens a new one.
	SessionLost Status = C.MCP_SESSION_LOST
	// TooLarge: a message, header or event is larger than the limit.
	TooLarge Status = C.MCP_TOO_LARGE
	// JSONMismatch: a JSON value has another type than was asked for, or is not there.
	JSONMismatch Status = C.MCP_JSON_MISMATCH
	// JSONRange: a JSON value does not fit into what it was asked as.
	JSONRange Status = C.MCP_JSON_RANGE
	// BufferTooSmall does not happen in Go.
	BufferTooSmall Status = C.MCP_BUFFER_TOO_SMALL
	// SystemError: the operating system refused something.
	SystemError Status = C.MCP_SYSTEM_ERROR
	// ProxyAuthRequired: HTTP 407; a proxy wants credentials.
	ProxyAuthRequired Status = C.MCP_PROXY_AUTH_REQUIRED
	// AuthFailed: the auth function gave no credentials.
	AuthFailed Status = C.MCP_AUTH_FAILED
	// Insecure: credentials would have gone over plain http to another machine, and [WithRequireHTTPS] forbids that.
	Insecure Status = C.MCP_INSECURE
	// ProxyFailed: the proxy cannot be reached or used.
	ProxyFailed Status = C.MCP_PROXY_FAILED
	// Endless: the server never comes to an end; its pages lead on and on, or it asks for input again and again.
	Endless Status = C.MCP_ENDLESS
	// InputUnsupported: the server asks for something that no handler is set for.
	InputUnsupported Status = C.MCP_INPUT_UNSUPPORTED
	// InputFailed: a handler gave no input.
	InputFailed Status = C.MCP_INPUT_FAILED
	// ProcessFailed: the server's process cannot be started, or has ended.
	ProcessFailed Status = C.MCP_PROCESS_FAILED
	// ConfigInvalid: a configuration file cannot be read or used.
	ConfigInvalid Status = C.MCP_CONFIG_INVALID
	// TaskCancelled: the task was cancelled, by whomever, before it had a result.
	TaskCancelled Status = C.MCP_TASK_CANCELLED
)

// String gives the name that libmcp has for the status, such as "MCP_TIMEOUT".
func (s Status) String() string { return C.GoString(C.mcp_status_name(C.int32_t(s))) }

// Error is the name as well, so that a Status is an error.
func (s Status) Error() string { return s.String() }

// Version gives the version of the library that the program runs with, such as "0.1.0".
func Version() string { return C.GoString(C.mcp_version()) }
