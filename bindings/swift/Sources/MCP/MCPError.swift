import CMCP
import Foundation

/// Why a call failed. It holds no token and no header value.
///
/// Settings and blocking calls throw nothing else; asynchronous calls throw `CancellationError` as well.
public struct MCPError: Error, Sendable {
    /// What programs look at.
    public let status: Status
    /// What failed, where, why, and what to do about it, as one line of text for people; the wording may change. The URL
    /// in it lacks its query.
    public let message: String
    /// The HTTP status of the answer behind the error, such as 401.
    public let httpStatus: Int?
    /// The code of the server's JSON-RPC error, such as -32601 (JSON-RPC 2.0, section 5.1).
    public let rpcCode: Int64?
    /// The `data` of the server's JSON-RPC error.
    public let rpcData: JSON?
    /// The server's challenge, as in its `WWW-Authenticate` header (RFC 9110, section 11.6.1): what kind of credentials it
    /// wants, and what was wrong with those that it got.
    public let wwwAuthenticate: String?
    /// How long the server asks to wait before the next try, where its `Retry-After` header says it in seconds.
    public let retryAfter: Duration?
    /// The error that the auth closure threw.
    public let underlyingError: (any Error)?
}

extension MCPError: CustomStringConvertible, LocalizedError {
    /// The message.
    public var description: String { message }
    /// The message.
    public var errorDescription: String? { message }
}

extension MCPError {
    /// Of an error of the C API, which lives as long as somebody holds its data.
    init(_ error: Owned) {
        self = error.use { MCPError(at: $0, owner: error) }
    }

    private init(at pointer: OpaquePointer, owner: Owned) {
        status = Status(rawValue: mcp_error_status(pointer))
        message = String(cString: mcp_error_message(pointer))
        let http = mcp_error_http_status(pointer)
        httpStatus = http == 0 ? nil : Int(http)
        rpcCode = mcp_error_has_rpc_code(pointer) ? mcp_error_rpc_code(pointer) : nil
        rpcData = mcp_error_rpc_data(pointer).map { JSON(owner: owner, pointer: $0) }
        wwwAuthenticate = mcp_error_www_authenticate(pointer).map { String(cString: $0) }
        let wait = mcp_error_retry_after_ms(pointer)
        retryAfter = wait < 0 ? nil : .milliseconds(wait)
        underlyingError = mcp_error_cause(pointer).map { Box<any Error>.at($0).content }
    }

    /// An error of this binding's own.
    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
        httpStatus = nil
        rpcCode = nil
        rpcData = nil
        wwwAuthenticate = nil
        retryAfter = nil
        underlyingError = nil
    }

    static func invalidArgument(_ message: String) -> MCPError {
        MCPError(.invalidArgument, message)
    }
}
