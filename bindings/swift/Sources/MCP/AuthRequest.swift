/// What an auth closure is asked, and the place for its answer.
public struct AuthRequest: Sendable {
    /// Where the request goes: the whole URL, with its query.
    public let url: String
    /// The HTTP method of the request: "POST", "GET" or "DELETE".
    public let method: String
    /// 1 before a request; 2 or 3 after the server has refused what this call came with.
    public let attempt: Int
    /// The HTTP status of the refusal, 401 or 403; nil where there was none.
    public let httpStatus: Int?
    /// The server's challenge, the `WWW-Authenticate` header of the refusal (RFC 9110, section 11.6.1); several are one
    /// list. nil where there was none.
    public let challenge: String?

    /// The bearer token for the request, without the word "Bearer"; the rules are those of ``Client/setBearer(_:)``.
    public var bearer: String?
    /// Headers for the request; the rules are those of ``Client/setHeader(_:to:)``.
    public var headers: [String: String] = [:]
}

/// Shows no credentials.
extension AuthRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The method and the attempt.
    public var description: String { "\(method) request, attempt \(attempt)" }
    /// The same as ``description``.
    public var debugDescription: String { description }
    /// The same for `dump` and debuggers.
    public var customMirror: Mirror {
        Mirror(self, children: ["method": method, "attempt": attempt])
    }
}
