import CMCP
import Foundation

/// Sets the credentials of a request, or throws when there are none.
public typealias AuthClosure = @Sendable (_ request: inout AuthRequest) throws -> Void

/// Asynchronously sets the credentials of a request, or throws when there are none.
public typealias AsyncAuthClosure = @Sendable (_ request: inout AuthRequest) async throws -> Void

extension Client {
    /// Sets a closure that supplies the credentials of each request. Use it when a fixed token is not enough: for
    /// tokens that expire, are fetched, or come from a file.
    ///
    ///     try client.setAuth { request in
    ///         request.bearer = try tokens.current(renewed: request.attempt > 1)
    ///     }
    ///
    /// The closure runs before each HTTP request (attempt 1). When the server responds with 401, or with 403 and
    /// `insufficient_scope` (RFC 6750, section 3.1), it runs again with the server's challenge (attempt 2, and attempt
    /// 3 after another rejection; then the call fails). When the server rejects several calls at the same time, the
    /// closure runs for one of them and the others share the result, so that a refresh token is used only once.
    /// Credentials may therefore be sent with other requests than the one that they were requested for. They override
    /// the credentials of the client; a closure that sets nothing adds nothing.
    ///
    /// If the closure throws, or sets credentials that cannot be used, the call throws ``MCPError/Status/authFailed``.
    /// ``MCPError/underlyingError`` is the error that the closure threw, and the message includes its description.
    ///
    /// The closure runs as a task on a thread of Dispatch, which it may block, and never twice at the same time for one
    /// client. The time it takes does not count against any timeout. The task is cancelled when no call waits for the
    /// credentials any more; a call that is cancelled does not wait until the closure has returned. Calls on the same
    /// client inside the closure throw ``MCPError/Status/misuse``. A trap in the closure terminates the process, as in
    /// all Swift code.
    ///
    /// The closure replaces ``OAuth``. The client retains it until it is replaced or the client is freed: capture the
    /// client weakly.
    ///
    /// May be called on any thread at any time; takes effect with the next request.
    public func setAuth(_ auth: @escaping AuthClosure) throws(MCPError) {
        let asynchronous: AsyncAuthClosure = { request in try auth(&request) }
        try setAuth(asynchronous)
    }

    /// Sets an asynchronous closure that supplies the credentials of each request.
    ///
    ///     try client.setAuth { request in
    ///         request.bearer = try await tokens.current(renewed: request.attempt > 1)
    ///     }
    ///
    /// When the closure runs, which credentials it may set, how its errors are reported and how long it is retained are
    /// described at the form of `setAuth` that takes an ``AuthClosure``.
    ///
    /// The closure makes progress even while Swift's cooperative pool is fully occupied.
    ///
    /// May be called on any thread at any time; takes effect with the next request.
    public func setAuth(_ auth: @escaping AsyncAuthClosure) throws(MCPError) {
        let client = ObjectIdentifier(self)
        let guarded: AsyncAuthClosure = { request in
            try await Client.withWaiting(client) { try await auth(&request) }
        }
        let userdata = Box(guarded).retained()
        try replaceOAuth(by: nil) { mcp_set_auth($0, authTrampoline, userdata, releaseBox, $1) }
    }

    /// Removes the auth closure (none is set by default).
    public func removeAuth() throws(MCPError) {
        try set { mcp_set_auth($0, nil, nil, nil, $1) }
    }
}

extension DeferredRequest.Kind {
    fileprivate static let auth = DeferredRequest.Kind(
        postpone: mcp_auth_request_defer, setOver: mcp_auth_request_set_over, fail: failAuth,
        free: mcp_auth_request_free)
}

private func authTrampoline(_ userdata: UnsafeMutableRawPointer?, _ pointer: OpaquePointer) {
    guard let userdata else { return }
    let auth = Box<AsyncAuthClosure>.at(userdata).content
    let empty = AuthRequest(
        clientName: String(cString: mcp_auth_request_client_name(pointer)),
        url: String(cString: mcp_auth_request_url(pointer)),
        method: String(cString: mcp_auth_request_method(pointer)),
        attempt: Int(mcp_auth_request_attempt(pointer)),
        httpStatus: mcp_auth_request_http_status(pointer) == 0 ? nil : Int(mcp_auth_request_http_status(pointer)),
        challenge: mcp_auth_request_challenge(pointer).map { String(cString: $0) })
    DeferredRequest.answer(pointer, .auth) { _ in
        var request = empty
        try await auth(&request)
        return { [request] pointer in try setCredentials(pointer, request) }
    }
}

/// Passes the credentials to the C API. An invalid credential is recorded there and fails the call.
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

private func failAuth(_ pointer: OpaquePointer, _ error: any Error) {
    _ = mcp_auth_request_fail_with(pointer, errorText(error), Box<any Error>(error).retained(), releaseBox, nil)
}
