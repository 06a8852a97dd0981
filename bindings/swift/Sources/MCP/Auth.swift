import CMCP
import Foundation

/// Gives a request its credentials, or throws.
public typealias AuthClosure = @Sendable (_ request: inout AuthRequest) throws -> Void

/// Gives a request its credentials, or throws; may wait for tasks.
public typealias AsyncAuthClosure = @Sendable (_ request: inout AuthRequest) async throws -> Void

extension Client {
    /// Sets the closure that authorises requests, where a fixed token does not do: tokens that expire, are fetched, or come
    /// from a file.
    ///
    ///     try client.setAuth { request in
    ///         request.bearer = try tokens.current(renewed: request.attempt > 1)
    ///     }
    ///
    /// The closure is asked before each HTTP request (attempt 1); and when the server answers 401, or 403 with
    /// `insufficient_scope` (RFC 6750, section 3.1), once more for something better, with the server's challenge at hand
    /// (attempt 2, and 3 after another refusal; then the call fails). However many calls are refused at the same time, one
    /// of them asks, and all others take the outcome: a refresh token is spent once. So an answer may go with other
    /// requests than the one that it was asked for. What it sets beats what was set on the client; whoever sets nothing
    /// adds nothing.
    ///
    /// A closure that throws ends the call with ``MCPError/Status/authFailed``; ``MCPError/underlyingError`` is what it
    /// threw, and its description is part of the message. Credentials that cannot be used end the call likewise.
    ///
    /// It runs on the thread of the call, on one at a time for each client. It may take its time: that counts against no
    /// timeout, and a cancelled call ends when it has returned. A call on the same client throws
    /// ``MCPError/Status/misuse``. It lives until it is replaced or the client is freed, so hold the client in it weakly.
    /// A trap in it ends the program, as everywhere in Swift.
    ///
    /// Any thread, any time; counts from the next request.
    public func setAuth(_ auth: @escaping AuthClosure) throws(MCPError) {
        let client = ObjectIdentifier(self)
        let guarded: AuthClosure = { request in
            try Client.$waitingClients.withValue(Client.waitingClients.union([client])) { try auth(&request) }
        }
        let userdata = Box(guarded).retained()
        try set { mcp_set_auth($0, authTrampoline, userdata, releaseBox, $1) }
    }

    /// As the other form, for a closure that waits for tasks.
    ///
    ///     try client.setAuth { request in
    ///         request.bearer = try await tokens.current(renewed: request.attempt > 1)
    ///     }
    ///
    /// It runs as a task on threads of the binding's own, so it goes on while all of Swift's cooperative pool is busy. It
    /// is not cancelled with the call that asks, for others may wait for its outcome.
    public func setAuth(_ auth: @escaping AsyncAuthClosure) throws(MCPError) {
        let synchronous: AuthClosure = { request in
            let original = request
            request = try runBlocking {
                var authorized = original
                try await auth(&authorized)
                return authorized
            }
        }
        try setAuth(synchronous)
    }

    /// Asks no closure any more, as at the start.
    public func removeAuth() throws(MCPError) {
        try set { mcp_set_auth($0, nil, nil, nil, $1) }
    }
}

private func authTrampoline(_ userdata: UnsafeMutableRawPointer?, _ pointer: OpaquePointer) {
    guard let userdata else { return }
    var request = AuthRequest(
        url: String(cString: mcp_auth_request_url(pointer)),
        method: String(cString: mcp_auth_request_method(pointer)),
        attempt: Int(mcp_auth_request_attempt(pointer)),
        httpStatus: mcp_auth_request_http_status(pointer) == 0 ? nil : Int(mcp_auth_request_http_status(pointer)),
        challenge: mcp_auth_request_challenge(pointer).map { String(cString: $0) })
    do {
        try Box<AuthClosure>.at(userdata).content(&request)
        try setCredentials(pointer, request)
    } catch {
        fail(pointer, error)
    }
}

/// Hands the credentials over. One that cannot be used is remembered there, and ends the call.
private func setCredentials(_ pointer: OpaquePointer, _ request: AuthRequest) throws {
    if let bearer = request.bearer {
        try rejectNUL("the bearer token", bearer)
        try check { mcp_auth_request_set_bearer(pointer, bearer, $0) }
    }
    for (name, value) in request.headers {
        try rejectNUL("the name of the header", name)
        try rejectNUL("the value of the header", value)
        try check { mcp_auth_request_set_header(pointer, name, value, $0) }
    }
}

private func fail(_ pointer: OpaquePointer, _ error: any Error) {
    _ = mcp_auth_request_fail_with(pointer, errorText(error), Box(error).retained(), releaseBox, nil)
}
