import CMCP

extension MCPError {
    /// The kind of a failure, an `mcp_status` value of the C API. Values are never reused. Later versions may add
    /// values: treat an unknown one as a failure.
    public struct Status: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The `mcp_status` value of the C API.
        public let rawValue: Int32

        /// Creates a status from an `mcp_status` value of the C API, known or not.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        init(_ status: mcp_status) {
            rawValue = Int32(status.rawValue)
        }

        /// The name in the C API, such as "MCP_TIMEOUT"; "MCP_UNKNOWN" for an unknown value.
        public var description: String {
            String(cString: mcp_status_name(rawValue))
        }

        /// A description for people, such as "The timeout of the call expired".
        public var text: String {
            String(cString: mcp_status_text(rawValue))
        }
    }
}

extension MCPError.Status {
    /// An argument is invalid: it contains a NUL or line break where none is allowed, a token or URL is malformed, or a
    /// duration is negative. Nothing was sent.
    public static let invalidArgument = Self(MCP_INVALID_ARGUMENT)
    /// The call is not allowed now: a setting after the first request that fixed it, a call inside a closure that the
    /// same client waits for, or a client used after `fork`.
    public static let misuse = Self(MCP_MISUSE)
    /// A bug in libmcp, caught before it could affect the host process. Please report it.
    public static let `internal` = Self(MCP_INTERNAL)
    /// The call's ``CancelToken`` was triggered, or its progress closure threw an error. A cancelled task gets a
    /// `CancellationError` instead.
    public static let cancelled = Self(MCP_CANCELLED)
    /// The client was closed before or during the call.
    public static let closed = Self(MCP_CLOSED)
    /// The call's timeout or idle timeout expired.
    public static let timeout = Self(MCP_TIMEOUT)
    /// The DNS lookup of the server's name returned no address.
    public static let resolveFailed = Self(MCP_RESOLVE_FAILED)
    /// Connection refused or host unreachable.
    public static let connectFailed = Self(MCP_CONNECT_FAILED)
    /// The TLS handshake failed, for example because the certificate is not trusted.
    public static let tlsFailed = Self(MCP_TLS_FAILED)
    /// The connection was reset or closed before a response.
    public static let disconnected = Self(MCP_DISCONNECTED)
    /// The response was incomplete: its body or event stream ended early.
    public static let truncated = Self(MCP_TRUNCATED)
    /// HTTP 401: credentials are missing or were rejected (RFC 9110, 15.5.2; RFC 6750, 3.1).
    public static let unauthorized = Self(MCP_UNAUTHORIZED)
    /// HTTP 403: the credentials are valid but not sufficient (RFC 9110, 15.5.4).
    public static let forbidden = Self(MCP_FORBIDDEN)
    /// HTTP 404: there is no MCP server at this URL.
    public static let notFound = Self(MCP_NOT_FOUND)
    /// HTTP 429: too many requests; see ``MCPError/retryAfter`` (RFC 6585, 4).
    public static let rateLimited = Self(MCP_RATE_LIMITED)
    /// HTTP 5xx, except those of ``unavailable``.
    public static let serverError = Self(MCP_SERVER_ERROR)
    /// HTTP 502, 503 or 504: the gateway cannot reach the server, or the server is overloaded; retry later.
    public static let unavailable = Self(MCP_UNAVAILABLE)
    /// Any other HTTP status that the protocol does not allow here; or a response that is not HTTP, and then
    /// ``MCPError/httpStatus`` is nil.
    public static let httpError = Self(MCP_HTTP_ERROR)
    /// A redirect was not followed, because credentials would leave their origin, because the method would change, or
    /// because there were too many; or an HTTP+SSE server's endpoint has another origin than its event stream.
    public static let redirectRefused = Self(MCP_REDIRECT_REFUSED)
    /// HTML, plain text or an empty body was received instead of a JSON message or an event stream.
    public static let unexpectedContent = Self(MCP_UNEXPECTED_CONTENT)
    /// The response claims to be JSON but is invalid; or a text to parse is not valid JSON.
    public static let invalidJSON = Self(MCP_INVALID_JSON)
    /// The response is JSON, but not a message that the protocol allows here.
    public static let invalidMessage = Self(MCP_INVALID_MESSAGE)
    /// The response has the id of another request.
    public static let wrongID = Self(MCP_WRONG_ID)
    /// The server responded with a JSON-RPC error; see ``MCPError/rpcCode``.
    public static let rpcError = Self(MCP_RPC_ERROR)
    /// The server and the client have no protocol version in common, or the server does not support the pinned one.
    public static let versionUnsupported = Self(MCP_VERSION_UNSUPPORTED)
    /// The server no longer knows the session, and the request was not sent again: it may have been executed, or the
    /// server lost a second session as well. The next call opens a new session.
    public static let sessionLost = Self(MCP_SESSION_LOST)
    /// A message, header or event exceeds its limit.
    public static let tooLarge = Self(MCP_TOO_LARGE)
    /// Used by the C API only: in Swift, a JSON value of another type is nil.
    public static let jsonMismatch = Self(MCP_JSON_MISMATCH)
    /// Used by the C API only: in Swift, a JSON value out of range is nil.
    public static let jsonRange = Self(MCP_JSON_RANGE)
    /// Used by the C API only.
    public static let bufferTooSmall = Self(MCP_BUFFER_TOO_SMALL)
    /// The operating system refused a resource, such as a file descriptor or a thread.
    public static let systemError = Self(MCP_SYSTEM_ERROR)
    /// HTTP 407: the proxy requires credentials (RFC 9110, 15.5.8).
    public static let proxyAuthRequired = Self(MCP_PROXY_AUTH_REQUIRED)
    /// The auth closure supplied no credentials: it threw, or the credentials are invalid.
    public static let authFailed = Self(MCP_AUTH_FAILED)
    /// Credentials would have been sent over plain HTTP to another machine, which ``Client/requireHTTPS(_:)`` forbids.
    /// Nothing was sent.
    public static let insecure = Self(MCP_INSECURE)
    /// The proxy cannot be reached, cannot be used, or refuses to connect to the server.
    public static let proxyFailed = Self(MCP_PROXY_FAILED)
    /// The server does not finish: its pages do not end, or it keeps requesting input.
    public static let endless = Self(MCP_ENDLESS)
    /// The server requested an input for which no handler is set, or a tool of a modern server requested it in a way
    /// that only legacy versions have.
    public static let inputUnsupported = Self(MCP_INPUT_UNSUPPORTED)
    /// A handler supplied no input: it threw, or its result is invalid.
    public static let inputFailed = Self(MCP_INPUT_FAILED)
    /// The server process could not be started, or has ended.
    public static let processFailed = Self(MCP_PROCESS_FAILED)
    /// A configuration file cannot be read or is invalid.
    public static let configInvalid = Self(MCP_CONFIG_INVALID)
    /// The task of a tool was cancelled before it had a result.
    public static let taskCancelled = Self(MCP_TASK_CANCELLED)
    /// The user has to log in, and cannot be asked in this call: there is no open closure, the policy is
    /// ``OAuth/LoginPolicy/whenAsked``, or the last login failed. Call ``Client/login(timeout:idleTimeout:options:)``.
    public static let loginRequired = Self(MCP_LOGIN_REQUIRED)
    /// The login failed: the user or the authorization server refused, the open closure threw, or the time for the
    /// login has passed. See ``MCPError/oauthCode``.
    public static let loginFailed = Self(MCP_LOGIN_FAILED)
    /// The authorization server cannot be found, violates the specification, or refuses the application; or the store
    /// or the assertion closure failed. See ``MCPError/oauthCode``.
    public static let oauthFailed = Self(MCP_OAUTH_FAILED)
}
