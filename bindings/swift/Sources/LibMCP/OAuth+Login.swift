import CMCP
import Foundation

extension OAuth {
    /// A login that the user is asked for: "`server` wants you to log in at `issuer`".
    public struct Login: Sendable {
        /// The name of the client that needs the login: the one in the configuration file, or else the host.
        public let clientName: String
        /// The page to show to the user: the authorization server's URL, with its query.
        public let url: URL
        /// The URL of the MCP server that requires the login, without its query and with "***" for secrets in its path.
        public let server: String
        /// The issuer of the authorization server.
        public let issuer: String
        /// The scopes that are requested; empty if none are.
        public let scopes: [String]
        /// Where the authorization server redirects to, with the port on which the library listens, if it does.
        public let redirectURI: String
    }

    /// Shows a page to the user, and returns the URL that the authorization server redirected to; nil if the URL
    /// arrives in another way.
    public typealias OpenClosure = @Sendable (_ login: Login) async throws -> URL?

    /// Sets the closure that lets the user log in. Without one, calls that need a login throw
    /// ``MCPError/Status/loginRequired``.
    ///
    ///     try oauth.setOpen { login in
    ///         try await session.start(login.url)  // an ASWebAuthenticationSession
    ///     }
    ///
    /// The closure returns the URL that the authorization server redirected to, with its query. It returns nil if the
    /// library receives the redirect (the default: see ``setRedirect(_:)``), or if `finish` will be called. The login
    /// then continues until the redirect arrives or the time for it has passed (``setLogin(_:timeout:)``).
    ///
    /// If the closure throws, the call throws ``MCPError/Status/loginFailed``. ``MCPError/underlyingError`` is the
    /// error that the closure threw, and the message includes its description.
    ///
    /// The closure runs as a task on threads of Dispatch, or on the main actor if it is declared so; a call of
    /// ``Client/blocking`` must not occupy the main thread then. The calls that need the login wait: one login serves
    /// all of them. The time of a login does not count against any timeout of a call. The task is cancelled when the
    /// login has ended: when no call waits for it any more, when its time has passed, and when the redirect arrived in
    /// another way. Calls on clients of this object inside the closure throw ``MCPError/Status/misuse``.
    ///
    /// The object retains the closure, and the clients retain the object: capture clients weakly.
    public func setOpen(_ open: @escaping OpenClosure) throws(MCPError) {
        let userdata = Box(Opener(open: open, owner: id)).retained()
        try set { mcp_oauth_set_open($0, openTrampoline, userdata, releaseBox, $1) }
    }

    /// Removes the open closure (none is set by default).
    public func removeOpen() throws(MCPError) {
        try set { mcp_oauth_set_open($0, nil, nil, nil, $1) }
    }

    /// Opens logins in the user's browser: see ``openBrowser(_:)``. If no browser can be opened, as over SSH, calls
    /// that need a login throw ``MCPError/Status/loginFailed``.
    public func useBrowser() throws(MCPError) {
        try set { mcp_oauth_use_browser($0, $1) }
    }

    /// Opens an http or https URL in the user's browser, with the command `xdg-open`, or `open` on macOS, or the
    /// commands in the environment variable BROWSER. It does not wait for the browser.
    ///
    ///     try oauth.setOpen { login in
    ///         do {
    ///             try await OAuth.openBrowser(login.url)
    ///         } catch {
    ///             print("Open this page to log in:", login.url)
    ///         }
    ///         return nil
    ///     }
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for another URL, and ``MCPError/Status/systemError`` if no browser
    ///   can be opened.
    public static func openBrowser(_ url: URL) async throws {
        let text = url.absoluteString
        try await Task(executorPreference: ClosureExecutor.shared) {
            try check { mcp_open_browser(text, $0) }
        }.value
    }

    /// Sets where the authorization server redirects to after the login: "http://127.0.0.1/callback" by default.
    ///
    /// - With "http://127.0.0.1" or "http://localhost", the library receives the redirect on this port, or on any free
    ///   port if the URL has none. The open closure returns nil.
    /// - With "https://..." or "com.example.app:/...", the application receives the redirect: the open closure returns
    ///   it, or the application passes it to `finish`. Prefer https links that are associated with the application:
    ///   another application can claim a private scheme.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a URL that is none of these.
    public func setRedirect(_ uri: String) throws(MCPError) {
        try rejectNUL("the redirect URI", uri)
        try set { mcp_oauth_set_redirect($0, uri, $1) }
    }

    /// Sets when the user may be asked to log in: ``LoginPolicy/whenNeeded`` by default; and how long a login may take,
    /// 5 minutes by default, without limit if the timeout is `.zero`. The timeout is rounded up to milliseconds.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown policy or a negative timeout.
    public func setLogin(_ policy: LoginPolicy, timeout: Duration = .seconds(300)) throws(MCPError) {
        let milliseconds = try timeout.milliseconds("the timeout")
        try set { mcp_oauth_set_login($0, policy.rawValue, milliseconds, $1) }
    }

    /// Passes the URL that the authorization server redirected to, with its query, to the login that waits for it: the
    /// URL that the system passed to the application (`onOpenURL`), or that the user copied from a browser. The login
    /// is found by the `state` in it, so any URL that the application receives may be passed.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` if no login waits for this URL.
    public func finish(_ redirect: URL) throws(MCPError) {
        try finish(redirect.absoluteString)
    }

    /// Passes the text of the URL that the authorization server redirected to, with its query, to the login that waits
    /// for it.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` if no login waits for this URL.
    public func finish(_ redirect: String) throws(MCPError) {
        try rejectNUL("the redirect URL", redirect)
        try set { mcp_oauth_finish($0, redirect, $1) }
    }

    /// When the user may be asked to log in.
    public struct LoginPolicy: RawRepresentable, Hashable, Sendable {
        /// The `mcp_oauth_when` value of the C API.
        public let rawValue: Int32

        /// Creates a policy from an `mcp_oauth_when` value of the C API. Later versions may add policies.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        private init(_ when: mcp_oauth_when) {
            rawValue = Int32(when.rawValue)
        }

        /// In every call that needs a login. After a login has failed, only in
        /// ``Client/login(timeout:idleTimeout:options:)``.
        public static let whenNeeded = LoginPolicy(MCP_OAUTH_WHEN_NEEDED)
        /// Only in ``Client/login(timeout:idleTimeout:options:)``; other calls throw
        /// ``MCPError/Status/loginRequired``.
        public static let whenAsked = LoginPolicy(MCP_OAUTH_WHEN_ASKED)
    }
}

/// The open closure as `userdata` of the C API.
private struct Opener: Sendable {
    let open: OAuth.OpenClosure
    /// The object that the closure belongs to.
    let owner: ObjectIdentifier
}

extension DeferredRequest.Kind {
    fileprivate static let login = DeferredRequest.Kind(
        postpone: mcp_oauth_request_defer, setOver: mcp_oauth_request_set_over, fail: failLogin,
        free: mcp_oauth_request_free)
}

private func openTrampoline(_ userdata: UnsafeMutableRawPointer?, _ request: OpaquePointer) {
    guard let userdata else { return }
    let opener = Box<Opener>.at(userdata).content
    do {
        let login = try description(of: request)
        DeferredRequest.answer(request, .login) { _ in
            let redirect = try await Client.withWaiting(opener.owner) { try await opener.open(login) }
            return { request in
                guard let redirect else { return }
                try check { mcp_oauth_request_finish(request, redirect.absoluteString, $0) }
            }
        }
    } catch {
        failLogin(request, error)
    }
}

private func description(of request: OpaquePointer) throws(MCPError) -> OAuth.Login {
    guard let url = URL(string: String(cString: mcp_oauth_request_url(request))) else {
        throw MCPError(.internal, "the URL of the login is invalid")
    }
    let scopes = mcp_oauth_request_scopes(request).map { String(cString: $0) } ?? ""
    return OAuth.Login(
        clientName: String(cString: mcp_oauth_request_client_name(request)), url: url,
        server: String(cString: mcp_oauth_request_server(request)),
        issuer: String(cString: mcp_oauth_request_issuer(request)),
        scopes: scopes.split(separator: " ").map(String.init),
        redirectURI: String(cString: mcp_oauth_request_redirect_uri(request)))
}

private func failLogin(_ request: OpaquePointer, _ error: any Error) {
    _ = mcp_oauth_request_fail_with(request, errorText(error), Box<any Error>(error).retained(), releaseBox, nil)
}
