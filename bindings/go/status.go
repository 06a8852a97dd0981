package mcp

// #include "bridge.h"
import "C"

// A Status says how a call ended. It implements error, for use with [errors.Is]:
//
//	if errors.Is(err, mcp.Unauthorized) { ... }
//
// Later versions of the library may add statuses.
type Status int32

const (
	// InvalidArgument: an argument is invalid. Nothing was sent.
	InvalidArgument Status = C.MCP_INVALID_ARGUMENT
	// Misuse: the call is not allowed here, such as a setting that cannot change after the first request, a call on
	// a client from its own [AuthFunc], or an HTTP setting of a client for a process.
	Misuse Status = C.MCP_MISUSE
	// Internal: a bug in libmcp that was caught before it could crash the program. Please report it.
	Internal Status = C.MCP_INTERNAL
	// Cancelled: the context of the call was cancelled.
	Cancelled Status = C.MCP_CANCELLED
	// Closed: the client was closed, before or during the call.
	Closed Status = C.MCP_CLOSED
	// TimedOut: the timeout, the idle timeout or the context's deadline of the call has passed.
	TimedOut Status = C.MCP_TIMEOUT
	// ResolveFailed: the server's name has no address.
	ResolveFailed Status = C.MCP_RESOLVE_FAILED
	// ConnectFailed: connection refused, or host unreachable.
	ConnectFailed Status = C.MCP_CONNECT_FAILED
	// TLSFailed: the certificate is not trusted, or the TLS handshake failed.
	TLSFailed Status = C.MCP_TLS_FAILED
	// Disconnected: the connection was reset, or closed before a response.
	Disconnected Status = C.MCP_DISCONNECTED
	// Truncated: the response ended before it was complete.
	Truncated Status = C.MCP_TRUNCATED
	// Unauthorized: HTTP 401; the server requires credentials, or rejects those that were sent.
	Unauthorized Status = C.MCP_UNAUTHORIZED
	// Forbidden: HTTP 403; the credentials are valid but not sufficient.
	Forbidden Status = C.MCP_FORBIDDEN
	// NotFound: HTTP 404; there is no MCP server at this URL.
	NotFound Status = C.MCP_NOT_FOUND
	// RateLimited: HTTP 429; see [Error.RetryAfter].
	RateLimited Status = C.MCP_RATE_LIMITED
	// ServerError: HTTP 5xx, except 502, 503 and 504 (see Unavailable).
	ServerError Status = C.MCP_SERVER_ERROR
	// Unavailable: HTTP 502, 503 or 504; try again later.
	Unavailable Status = C.MCP_UNAVAILABLE
	// HTTPError: any other HTTP status that the protocol does not define, or a response that is not HTTP.
	HTTPError Status = C.MCP_HTTP_ERROR
	// RedirectRefused: a redirect was not followed, because it would send credentials to another origin or change
	// the method of a POST, or because there were more than five; or an HTTP+SSE endpoint is on another origin.
	RedirectRefused Status = C.MCP_REDIRECT_REFUSED
	// UnexpectedContent: the response is HTML, plain text or empty instead of a message, or has a content coding
	// that was not requested.
	UnexpectedContent Status = C.MCP_UNEXPECTED_CONTENT
	// InvalidJSON: the response is declared as JSON, but is not valid JSON.
	InvalidJSON Status = C.MCP_INVALID_JSON
	// InvalidMessage: the response is JSON, but not a message that the protocol allows here.
	InvalidMessage Status = C.MCP_INVALID_MESSAGE
	// WrongID: the response is for another request.
	WrongID Status = C.MCP_WRONG_ID
	// RPCError: the server returned a JSON-RPC error; see [Error.RPC].
	RPCError Status = C.MCP_RPC_ERROR
	// VersionUnsupported: the server and this client have no protocol version in common, or the server does not
	// support the pinned one.
	VersionUnsupported Status = C.MCP_VERSION_UNSUPPORTED
	// SessionLost: the server no longer knows the session. The request was not retried, because it may have been
	// executed or because the server lost a second session too. The next call opens a new session.
	SessionLost Status = C.MCP_SESSION_LOST
	// TooLarge: a message, header or event is larger than the limit.
	TooLarge Status = C.MCP_TOO_LARGE
	// JSONMismatch: a JSON value is missing or has a different type than requested.
	JSONMismatch Status = C.MCP_JSON_MISMATCH
	// JSONRange: a JSON value does not fit into the requested type.
	JSONRange Status = C.MCP_JSON_RANGE
	// BufferTooSmall is never returned by this package.
	BufferTooSmall Status = C.MCP_BUFFER_TOO_SMALL
	// SystemError: the operating system refused a resource, such as a descriptor or a thread.
	SystemError Status = C.MCP_SYSTEM_ERROR
	// ProxyAuthRequired: HTTP 407; a proxy requires credentials.
	ProxyAuthRequired Status = C.MCP_PROXY_AUTH_REQUIRED
	// AuthFailed: the [AuthFunc] failed to provide credentials.
	AuthFailed Status = C.MCP_AUTH_FAILED
	// Insecure: the request would have sent credentials to another machine over plain HTTP, and [WithRequireHTTPS]
	// forbids that. Nothing was sent.
	Insecure Status = C.MCP_INSECURE
	// ProxyFailed: the proxy cannot be reached or used, or refuses to connect to the server.
	ProxyFailed Status = C.MCP_PROXY_FAILED
	// Endless: the server sends too many pages, or requests input too many times.
	Endless Status = C.MCP_ENDLESS
	// InputUnsupported: the server requests an input for which no handler is set, or a tool of a modern server requests
	// it in a way that only legacy versions have.
	InputUnsupported Status = C.MCP_INPUT_UNSUPPORTED
	// InputFailed: a handler failed to provide the input.
	InputFailed Status = C.MCP_INPUT_FAILED
	// ProcessFailed: the server's process cannot be started, or has ended.
	ProcessFailed Status = C.MCP_PROCESS_FAILED
	// ConfigInvalid: a configuration file cannot be read or used.
	ConfigInvalid Status = C.MCP_CONFIG_INVALID
	// TaskCancelled: the task was cancelled, by this or another client or by the server, before it had a result.
	TaskCancelled Status = C.MCP_TASK_CANCELLED
	// LoginRequired: the user has to log in, and the call may not open the login page: the [OAuth] has no Open
	// function or is restricted to [Client.Login], or the last login failed.
	LoginRequired Status = C.MCP_LOGIN_REQUIRED
	// LoginFailed: the user or the authorization server refused the login, the Open function of the [OAuth] failed,
	// or the time for the login has passed. See [Error.OAuthCode].
	LoginFailed Status = C.MCP_LOGIN_FAILED
	// OAuthFailed: the authorization server cannot be found, violates a rule, or rejects the program. See
	// [Error.OAuthCode].
	OAuthFailed Status = C.MCP_OAUTH_FAILED
)

// String returns the status's name in the C API, such as "MCP_TIMEOUT".
func (s Status) String() string { return C.GoString(C.mcp_status_name(C.int32_t(s))) }

// Text returns a description of the status for people, such as "The timeout of the call expired".
func (s Status) Text() string { return C.GoString(C.mcp_status_text(C.int32_t(s))) }

// Error returns the same as [Status.String]; it makes Status an error.
func (s Status) Error() string { return s.String() }

// Version returns the version of the loaded libmcp, such as "0.1.0".
func Version() string { return C.GoString(C.mcp_version()) }
