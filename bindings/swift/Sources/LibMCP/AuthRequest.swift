/// An HTTP request that needs credentials, passed to an auth closure, which sets them here.
public struct AuthRequest: Sendable {
    /// The name of the client: the one in the configuration file, or else the host.
    public let clientName: String
    /// The complete URL of the request, with its query.
    public let url: String
    /// The HTTP method of the request: "POST", "GET" or "DELETE".
    public let method: String
    /// 1 before the first request; 2 or 3 after the server rejected the credentials of this call.
    public let attempt: Int
    /// The HTTP status of the rejection, 401 or 403; nil on the first attempt.
    public let httpStatus: Int?
    /// The server's challenge: the `WWW-Authenticate` header of the rejection (RFC 9110, section 11.6.1). Several
    /// headers are joined into one list. nil if there was none.
    public let challenge: String?

    /// The bearer token for the request, without the word "Bearer". The rules of ``Client/setBearer(_:)`` apply.
    public var bearer: String?
    /// Headers for the request. The rules of ``Client/setHeader(_:to:)`` apply.
    public var headers: [String: String] = [:]
}

/// Descriptions that do not contain credentials.
extension AuthRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The method and the attempt, without credentials.
    public var description: String { "\(method) request, attempt \(attempt)" }
    /// The method and the attempt, without credentials, as in ``description``.
    public var debugDescription: String { description }
    /// The method and the attempt, without credentials, for `dump` and debuggers.
    public var customMirror: Mirror {
        Mirror(self, children: ["method": method, "attempt": attempt])
    }
}
