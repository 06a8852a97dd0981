import Foundation
import LibMCP
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A redirect URI that the application receives.
let privateRedirect = "com.example.app:/oauth"

@Suite struct OAuthTests {
    @Test func userLogsInOnce() async throws {
        let server = try OAuthServer()
        let logins = Shared<[OAuth.Login]>([])
        let oauth = try OAuth(redirect: privateRedirect, scopes: ["read", "write"]) { login in
            logins.change { $0.append(login) }
            return try server.redirect(login.url)
        }
        try oauth.setRegistration(true, metadata: ["logo_uri": "https://app.example/logo.png"])
        try oauth.setParameter("login_hint", to: "ada@app.example")
        let client = try server.client(oauth)
        #expect(try await !client.oauthState().isLoggedIn)
        try await client.ping()
        try await client.ping()

        let login = try #require(logins.value.first)
        #expect(logins.value.count == 1 && login.server == server.url && login.issuer == server.origin)
        #expect(login.scopes == ["read", "write"] && login.redirectURI == privateRedirect)
        #expect(login.clientName.hasPrefix("127.0.0.1"))
        #expect(fields(login.url.query(percentEncoded: true) ?? "")["login_hint"] == "ada@app.example")
        let registration = try JSON(parsing: #require(server.requests("/register").first).body)
        #expect(registration["redirect_uris"]?[0]?.string == privateRedirect)
        #expect(registration["logo_uri"]?.string == "https://app.example/logo.png")
        let form = try #require(server.requests("/token").first).form
        #expect(form["grant_type"] == "authorization_code" && form["code"] == "a-code")
        #expect(form["client_id"] == "registered-client" && form["resource"] == server.url)

        let state = try await client.oauthState()
        #expect(state.isLoggedIn && state.isRefreshable && state.issuer == server.origin)
        #expect(state.clientID == "registered-client" && state.registration == .registered)
        #expect(state.resource == server.url && state.scopes == ["read", "write"] && state.idToken == nil)
        let left = try #require(state.expiresAt).timeIntervalSinceNow
        #expect(left > 3000 && left <= 3601)
    }

    @Test func libraryReceivesRedirectOnLoopback() async throws {
        let server = try OAuthServer()
        let oauth = try OAuth { login in
            #expect(login.redirectURI.hasPrefix("http://127.0.0.1:"))
            let redirect = try server.redirect(login.url)
            // What a browser does, in a task that is not cancelled with this closure when the redirect has arrived:
            // URLSession deadlocks if it is cancelled while it completes (swift-corelibs-foundation 6.0).
            Task.detached { try await URLSession.shared.data(from: redirect) }
            return nil
        }
        try await server.client(oauth).ping()
    }

    @Test func finishEndsWaitingLogin() async throws {
        let server = try OAuthServer()
        let shown = Shared<URL?>(nil)
        let oauth = try OAuth(redirect: privateRedirect) { login in
            shown.change { $0 = login.url }
            return nil
        }
        let client = try server.client(oauth)
        let ping = Task { try await client.ping() }
        try await eventually { shown.value != nil }
        let redirect = try server.redirect(#require(shown.value))
        try await failure(.invalidArgument) { try oauth.finish("\(privateRedirect)?code=a-code&state=other") }
        try oauth.finish(redirect)
        try await ping.value
        try await failure(.invalidArgument) { try oauth.finish(redirect) }
    }

    @Test func thrownErrorIsUnderlyingError() async throws {
        struct Dismissed: LocalizedError {
            var errorDescription: String? { "the window\0was closed" }
        }
        let server = try OAuthServer()
        let isDismissed = Shared(true)
        let oauth = try OAuth(redirect: privateRedirect) { login in
            guard !isDismissed.value else { throw Dismissed() }
            return try server.redirect(login.url)
        }
        let client = try server.client(oauth)
        let error = try await failure(.loginFailed) { try await client.ping() }
        #expect(error.underlyingError is Dismissed && error.message.contains("the window\u{FFFD}was closed"))
        #expect(error.oauthCode == nil)

        // The user is not asked again until the application wants it.
        isDismissed.change { $0 = false }
        let later = try await failure(.loginRequired) { try await client.ping() }
        #expect(later.httpStatus == 401)
        try await client.login()
        try await client.ping()
    }

    @Test func redirectOfAnotherLoginFailsLogin() async throws {
        let server = try OAuthServer()
        let oauth = try OAuth(redirect: privateRedirect) { _ in
            URL(string: "\(privateRedirect)?code=a-code&state=other")
        }
        let error = try await failure(.loginFailed) { try await server.client(oauth).ping() }
        #expect((error.underlyingError as? MCPError)?.status == .invalidArgument)
    }

    @Test func refusalHasCode() async throws {
        let server = try OAuthServer()
        let oauth = try OAuth(redirect: privateRedirect) { try server.redirect($0.url, error: "access_denied") }
        let error = try await failure(.loginFailed) { try await server.client(oauth).ping() }
        #expect(error.oauthCode == "access_denied" && error.underlyingError == nil)
        #expect(server.requests("/token").isEmpty)
    }

    @Test func userIsAskedOnlyWhenAllowed() async throws {
        let server = try OAuthServer()
        try await failure(.loginRequired) { try await server.client(OAuth()).ping() }
        try await failure(.loginRequired) { try await server.client(OAuth()).login() }

        let logins = Shared(0)
        let oauth = try OAuth(redirect: privateRedirect) { login in
            logins.change { $0 += 1 }
            return try server.redirect(login.url)
        }
        try oauth.setLogin(.whenAsked)
        let client = try server.client(oauth)
        try await failure(.loginRequired) { try await client.ping() }
        #expect(logins.value == 0)
        try await client.login()
        try await client.ping()
        #expect(logins.value == 1)
    }

    @Test func logoutRevokesTokens() async throws {
        let server = try OAuthServer()
        let logins = Shared(0)
        let oauth = try OAuth(redirect: privateRedirect) { login in
            logins.change { $0 += 1 }
            return try server.redirect(login.url)
        }
        let client = try server.client(oauth)
        try await client.login()
        try await client.logout()
        let revoked = Set(server.requests("/revoke").compactMap { $0.form["token"] })
        #expect(revoked.contains("refresh-1") && server.state.value.accepted.isEmpty)
        let state = try await client.oauthState()
        #expect(!state.isLoggedIn && state.clientID == "registered-client")
        try await client.ping()
        #expect(logins.value == 2 && server.requests("/register").count == 1)
    }

    @Test func blockingFormsWork() async throws {
        let server = try OAuthServer()
        let client = try server.client(OAuth(redirect: privateRedirect) { try server.redirect($0.url) })
        try await onThread {
            try client.blocking.login(timeout: .seconds(10), cancel: CancelToken())
            #expect(try client.blocking.oauthState().isLoggedIn)
            try client.blocking.ping()
            try client.blocking.logout()
            #expect(try !client.blocking.oauthState().isLoggedIn)
        }
    }

    @Test func clientsShareLogin() async throws {
        let server = try OAuthServer()
        let logins = Shared(0)
        let oauth = try OAuth(redirect: privateRedirect) { login in
            logins.change { $0 += 1 }
            await Task.yield()
            return try server.redirect(login.url)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                let client = try server.client(oauth)
                for _ in 0..<8 {
                    group.addTask { try await client.ping() }
                }
            }
            try await group.waitForAll()
        }
        #expect(logins.value == 1 && server.state.value.issued == 1)
    }

    @Test func callsOfSameClientsInsideClosureAreMisuse() async throws {
        let server = try OAuthServer()
        let (one, two) = (try server.client(), try server.client())
        let other = try Scripted.client("dual")
        let statuses = Shared<[MCPError.Status?]>([])
        let oauth = try OAuth(redirect: privateRedirect) { [weak one, weak two] login in
            for client in [one, two] {
                do {
                    try await client?.ping()
                } catch {
                    statuses.change { $0.append((error as? MCPError)?.status) }
                }
            }
            try await other.ping()
            return try server.redirect(login.url)
        }
        // A call that waited for its own login would end with it.
        try oauth.setLogin(.whenNeeded, timeout: .seconds(20))
        try one.setOAuth(oauth)
        try two.setOAuth(oauth)
        try await one.ping()
        #expect(statuses.value == [.misuse, .misuse])
    }

    /// Without other references: the client keeps what the login needs.
    @Test func clientRetainsOAuth() async throws {
        let server = try OAuthServer()
        let deinitCount = Shared(0)
        do {
            let counter = DeinitCounter(deinitCount)
            let client = try server.client(
                OAuth(redirect: privateRedirect) { login in
                    counter.keepAlive()
                    return try server.redirect(login.url)
                })
            try await client.ping()
            #expect(deinitCount.value == 0)
        }
        try await eventually { deinitCount.value == 1 }
    }
}

@Suite(.serialized) struct OAuthEndTests {
    /// An object whose logins wait forever, and what has happened in its closure.
    private struct EndlessLogin: Sendable {
        let oauth: OAuth
        let begun = Shared(0)
        let cancelled = Shared(0)

        init() throws {
            oauth = try OAuth(redirect: privateRedirect) { [begun, cancelled] _ in
                begun.change { $0 += 1 }
                do {
                    try await Task.sleep(for: .seconds(3600))
                } catch {
                    cancelled.change { $0 += 1 }
                    throw error
                }
                return nil
            }
        }

        func waitUntilBegun(_ times: Int = 1) async throws {
            try await eventually { begun.value == times }
        }
    }

    @Test func cancelledCallEndsLogin() async throws {
        let server = try OAuthServer()
        let login = try EndlessLogin()
        let client = try server.client(login.oauth)
        // A cancelled login counts as none: the next call begins another one.
        for times in 1...2 {
            let call = Task { try await client.ping() }
            try await login.waitUntilBegun(times)
            let start = Stopwatch()
            call.cancel()
            let result = await call.result
            expectPromptEnd("a cancelled login ended after", since: start)
            #expect(throws: CancellationError.self) { try result.get() }
            try await eventually { login.cancelled.value == times }
        }
    }

    /// The closure has returned: the call alone waits for the redirect.
    @Test func cancelledCallEndsWaitForRedirect() async throws {
        let server = try OAuthServer()
        let shown = Shared<URL?>(nil)
        let oauth = try OAuth { login in
            shown.change { $0 = login.url }
            return nil
        }
        let client = try server.client(oauth)
        let call = Task { try await client.login() }
        try await eventually { shown.value != nil }
        let start = Stopwatch()
        call.cancel()
        let result = await call.result
        expectPromptEnd("a cancelled wait for a redirect ended after", since: start)
        #expect(throws: CancellationError.self) { try result.get() }
        let redirect = try server.redirect(#require(shown.value))
        // The library's thread of the call may still be ending the login.
        try await eventually {
            do throws(MCPError) {
                try oauth.finish(redirect)
                return false
            } catch {
                return error.status == .invalidArgument
            }
        }
    }

    @Test func tokenEndsBlockingLogin() async throws {
        let server = try OAuthServer()
        let login = try EndlessLogin()
        let client = try server.client(login.oauth)
        let token = CancelToken()
        let call = Task { try await onThread { try client.blocking.login(cancel: token) } }
        try await login.waitUntilBegun()
        let start = Stopwatch()
        token.trigger()
        try await failure(.cancelled) { try await call.value }
        expectPromptEnd("a triggered blocking login ended after", since: start)
        try await eventually { login.cancelled.value == 1 }
    }

    @Test func closeEndsLogin() async throws {
        let server = try OAuthServer()
        let login = try EndlessLogin()
        let client = try server.client(login.oauth)
        let call = Task { try await client.login() }
        try await login.waitUntilBegun()
        let start = Stopwatch()
        try await client.close()
        try await failure(.closed) { try await call.value }
        expectPromptEnd("a login ended by close after", since: start)
        try await eventually { login.cancelled.value == 1 }
    }

    @Test func loginTimeoutEndsLogin() async throws {
        let server = try OAuthServer()
        let login = try EndlessLogin()
        try login.oauth.setLogin(.whenNeeded, timeout: .milliseconds(50))
        let client = try server.client(login.oauth)
        let error = try await failure(.loginFailed) { try await client.ping() }
        #expect(error.underlyingError == nil)
        try await eventually { login.cancelled.value == 1 }
    }

    /// The redirect arrives while the closure still shows the page.
    @Test func finishedLoginCancelsClosure() async throws {
        let server = try OAuthServer()
        let shown = Shared<URL?>(nil)
        let isCancelled = Shared(false)
        let oauth = try OAuth(redirect: privateRedirect) { login in
            shown.change { $0 = login.url }
            try? await Task.sleep(for: .seconds(3600))
            isCancelled.change { $0 = Task.isCancelled }
            return nil
        }
        let client = try server.client(oauth)
        let call = Task { try await client.ping() }
        try await eventually { shown.value != nil }
        try oauth.finish(server.redirect(#require(shown.value)))
        try await call.value
        try await eventually { isCancelled.value }
    }
}
