import CMCP
import Foundation

/// The reason why a call failed. It contains no token and no header value.
///
/// Settings throw no other error. Blocking calls can also throw ``ToolError`` and `EncodingError` for tools;
/// asynchronous calls can throw `CancellationError` as well.
public struct MCPError: Error, Sendable {
    /// The kind of failure, for programs.
    public let status: Status
    /// What failed, where, why, and what to do about it: one line of text for people. The wording may change. URLs are
    /// shown without their query.
    public let message: String
    /// The HTTP status of the response that caused the error, such as 401; nil if there was none.
    public let httpStatus: Int?
    /// The code of the server's JSON-RPC error, such as -32601 (JSON-RPC 2.0, section 5.1); nil if there was none.
    public let rpcCode: Int64?
    /// The `data` of the server's JSON-RPC error; nil if there was none.
    public let rpcData: JSON?
    /// The server's challenge, its `WWW-Authenticate` header (RFC 9110, section 11.6.1): which credentials it requires,
    /// and why it rejected those that were sent. nil if there was none.
    public let challenge: String?
    /// The time to wait before a retry, from the server's `Retry-After` header; nil if there was none.
    public let retryAfter: Duration?
    /// The code of the authorization server's error, such as "access_denied" (RFC 6749, section 4.1.2.1); nil if there
    /// was none.
    public let oauthCode: String?
    /// The error that the auth closure, the open closure (``OAuth/setOpen(_:)``), an input handler or the progress
    /// closure threw; nil for other failures.
    public let underlyingError: (any Error)?
}

extension MCPError: CustomStringConvertible, LocalizedError {
    /// The message.
    public var description: String { message }
    /// The message.
    public var errorDescription: String? { message }
}

extension MCPError {
    /// Wraps an error of the C API. The C object is freed when this error and its `rpcData` are no longer referenced.
    init(_ error: Owned) {
        self = error.use { MCPError(at: $0, owner: error) }
    }

    private init(at pointer: OpaquePointer, owner: Owned) {
        status = Status(mcp_error_status(pointer))
        message = String(cString: mcp_error_message(pointer))
        let http = mcp_error_http_status(pointer)
        httpStatus = http == 0 ? nil : Int(http)
        rpcCode = mcp_error_has_rpc_code(pointer) ? mcp_error_rpc_code(pointer) : nil
        rpcData = mcp_error_rpc_data(pointer).map { JSON(owner: owner, pointer: $0) }
        challenge = mcp_error_challenge(pointer).map { String(cString: $0) }
        let wait = mcp_error_retry_after_ms(pointer)
        retryAfter = wait < 0 ? nil : .milliseconds(wait)
        oauthCode = mcp_error_oauth_code(pointer).map { String(cString: $0) }
        underlyingError = mcp_error_cause(pointer).map { Box<any Error>.at($0).content }
    }

    /// Creates an error that the binding itself detected.
    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
        httpStatus = nil
        rpcCode = nil
        rpcData = nil
        challenge = nil
        retryAfter = nil
        oauthCode = nil
        underlyingError = nil
    }

    /// This error as the consequence of an error that a closure threw.
    func caused(by underlying: any Error) -> MCPError {
        MCPError(
            status: status, message: "\(message): \(errorText(underlying))", httpStatus: httpStatus, rpcCode: rpcCode,
            rpcData: rpcData, challenge: challenge, retryAfter: retryAfter, oauthCode: oauthCode,
            underlyingError: underlying)
    }

    static func invalidArgument(_ message: String) -> MCPError {
        MCPError(.invalidArgument, message)
    }
}
