import CMCP

extension MCPError {
    /// How a call failed: a number of the C API. A number is never reused, and a later version may add more, so treat an
    /// unknown one as a failure.
    public struct Status: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The number of the C API.
        public let rawValue: Int32

        /// A status by its number of the C API, known or not.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        init(_ status: mcp_status) {
            rawValue = Int32(status.rawValue)
        }

        /// The name in the C API, such as "MCP_TIMEOUT"; "MCP_UNKNOWN" for a number that libmcp does not know.
        public var description: String {
            String(cString: mcp_status_name(rawValue))
        }
    }
}

extension MCPError.Status {
    /// An argument cannot be used: a NUL or a line break where none belongs, a malformed token or URL, a negative
    /// duration. Nothing was sent.
    public static let invalidArgument = Self(MCP_INVALID_ARGUMENT)
    /// The call came at the wrong time: a setting after the first request that fixed it, a call that would wait for
    /// itself within a closure of the same client, or a client used after `fork`.
    public static let misuse = Self(MCP_MISUSE)
    /// A bug in libmcp, caught before it could hurt the program. Please report it.
    public static let `internal` = Self(MCP_INTERNAL)
    /// The call's ``CancelToken`` was triggered. A cancelled task gets a `CancellationError` instead.
    public static let cancelled = Self(MCP_CANCELLED)
    /// The client was closed, before or during the call.
    public static let closed = Self(MCP_CLOSED)
    /// The call's timeout passed, or its idle limit.
    public static let timeout = Self(MCP_TIMEOUT)
    /// The server's name has no address.
    public static let resolveFailed = Self(MCP_RESOLVE_FAILED)
    /// Nobody accepts connections there: refused or unreachable.
    public static let connectFailed = Self(MCP_CONNECT_FAILED)
    /// No trusted TLS connection: a bad certificate, or a handshake that failed.
    public static let tlsFailed = Self(MCP_TLS_FAILED)
    /// The connection was reset, or ended before an answer.
    public static let disconnected = Self(MCP_DISCONNECTED)
    /// The answer began, and its body or event stream ended before it was complete.
    public static let truncated = Self(MCP_TRUNCATED)
    /// HTTP 401: the server wants credentials, or refuses those that it got (RFC 9110, 15.5.2; RFC 6750, 3.1).
    public static let unauthorized = Self(MCP_UNAUTHORIZED)
    /// HTTP 403: the credentials are known and do not suffice (RFC 9110, 15.5.4).
    public static let forbidden = Self(MCP_FORBIDDEN)
    /// HTTP 404: nothing at this URL speaks MCP.
    public static let notFound = Self(MCP_NOT_FOUND)
    /// HTTP 429: too many requests; see ``MCPError/retryAfter`` (RFC 6585, 4).
    public static let rateLimited = Self(MCP_RATE_LIMITED)
    /// HTTP 5xx, except those of ``unavailable``.
    public static let serverError = Self(MCP_SERVER_ERROR)
    /// HTTP 502, 503 or 504: the server cannot be reached behind its gateway, or is overloaded; try again later.
    public static let unavailable = Self(MCP_UNAVAILABLE)
    /// Any other HTTP status that has no place in the protocol; or an answer that is no HTTP at all, and then the error
    /// has no HTTP status.
    public static let httpError = Self(MCP_HTTP_ERROR)
    /// A redirect that is not followed, because credentials would leave their origin or the method would change; or the
    /// endpoint of an HTTP+SSE server, on another origin than its stream.
    public static let redirectRefused = Self(MCP_REDIRECT_REFUSED)
    /// HTML, plain text or nothing where a JSON message or an event stream belongs.
    public static let unexpectedContent = Self(MCP_UNEXPECTED_CONTENT)
    /// The answer says that it is JSON and is not; or a text is none.
    public static let invalidJSON = Self(MCP_INVALID_JSON)
    /// The answer is JSON, but not a message that the protocol allows here.
    public static let invalidMessage = Self(MCP_INVALID_MESSAGE)
    /// The answer carries a result for another request.
    public static let wrongID = Self(MCP_WRONG_ID)
    /// The server answered with a JSON-RPC error; see ``MCPError/rpcCode``.
    public static let rpcError = Self(MCP_RPC_ERROR)
    /// The server and this client share no protocol version, or not the pinned one.
    public static let versionUnsupported = Self(MCP_VERSION_UNSUPPORTED)
    /// The server does not know the session any more, and the request was not sent again: it may have been executed, or the server
    /// forgot a second session as well. The next call opens a new one.
    public static let sessionLost = Self(MCP_SESSION_LOST)
    /// A message, header or event is larger than the limit.
    public static let tooLarge = Self(MCP_TOO_LARGE)
    /// Of the C API alone: here a JSON value of another type is nil.
    public static let jsonMismatch = Self(MCP_JSON_MISMATCH)
    /// Of the C API alone: here a JSON value that does not fit is nil.
    public static let jsonRange = Self(MCP_JSON_RANGE)
    /// Of the C API alone.
    public static let bufferTooSmall = Self(MCP_BUFFER_TOO_SMALL)
    /// The operating system refused something: no descriptors, no thread.
    public static let systemError = Self(MCP_SYSTEM_ERROR)
    /// HTTP 407: a proxy wants credentials (RFC 9110, 15.5.8).
    public static let proxyAuthRequired = Self(MCP_PROXY_AUTH_REQUIRED)
    /// The auth closure gave no credentials: it threw, or what it set cannot be used.
    public static let authFailed = Self(MCP_AUTH_FAILED)
    /// Credentials would have gone over plain http to another machine, and ``Client/requireHTTPS(_:)`` forbids that.
    /// Nothing was sent.
    public static let insecure = Self(MCP_INSECURE)
    /// The proxy cannot be reached or used, or refuses to connect to the server.
    public static let proxyFailed = Self(MCP_PROXY_FAILED)
    /// The server never comes to an end: its pages lead on and on, or it asks for input again and again.
    public static let endless = Self(MCP_ENDLESS)
    /// The server asks for something that no handler is set for.
    public static let inputUnsupported = Self(MCP_INPUT_UNSUPPORTED)
    /// A handler that the program has set gave no input: it threw, or its answer cannot be used.
    public static let inputFailed = Self(MCP_INPUT_FAILED)
    /// The server's process cannot be started, or has ended.
    public static let processFailed = Self(MCP_PROCESS_FAILED)
    /// A configuration file cannot be read or used.
    public static let configInvalid = Self(MCP_CONFIG_INVALID)
    /// The task of a tool was cancelled, by whomever, before it had a result.
    public static let taskCancelled = Self(MCP_TASK_CANCELLED)
}
