import Foundation
import LibMCP
import Testing

@Suite struct OAuthSettingsTests {
    @Test func invalidSettingsAreRejected() async throws {
        let oauth = OAuth()
        let setters: [() throws -> Void] = [
            { try oauth.setClient("") },
            { try oauth.setClient("id", secret: "") },
            { try oauth.setClient("id", issuer: "auth.example") },
            { try oauth.setClient("id", privateKey: "no key", issuer: "https://auth.example") },
            { try oauth.setClientURL("http://app.example/mcp-client.json") },
            { try oauth.setClientURL("https://app.example") },
            { try oauth.setClientURL("https://app.example/../mcp-client.json") },
            { try oauth.setRegistration(true, metadata: [1]) },
            { try oauth.setRegistration(true, metadata: ["redirect_uris": []]) },
            { try oauth.setGrant(.init(rawValue: 99)) },
            { try oauth.setScopes(["read\"write"]) },
            { try oauth.setResource("https://example.com/mcp#fragment") },
            { try oauth.setParameter("client_id", to: "x") },
            { try oauth.setParameter("", to: "x") },
            { try oauth.allow(.init(rawValue: 99)) },
            { try oauth.setRedirect("http://example.com/callback") },
            { try oauth.setRedirect("callback") },
            { try oauth.setLogin(.init(rawValue: 99)) },
            { try oauth.setLogin(.whenNeeded, timeout: .seconds(-1)) },
            { try oauth.setIdentity(tokenEndpoint: "identity", clientID: "id") },
            { try oauth.finish("\(privateRedirect)?code=a-code&state=unknown") },
            { _ = try OAuth(redirect: "callback") { _ in nil } },
            { _ = try OAuth(scopes: ["\""]) { _ in nil } },
            { _ = try OAuth(clientURL: "http://app.example/") { _ in nil } },
        ]
        for (number, setter) in setters.enumerated() {
            let error = try await failure(.invalidArgument) { try setter() }
            #expect(!error.message.isEmpty, "setter \(number)")
        }
        let file = try #require(URL(string: "file:///etc/passwd"))
        try await failure(.invalidArgument) { try await OAuth.openBrowser(file) }
    }

    @Test func stringsWithNULAreRejected() async throws {
        let oauth = OAuth()
        let setters: [() throws -> Void] = [
            { try oauth.setClient("a\0b") },
            { try oauth.setClient("id", secret: "a\0b") },
            { try oauth.setClient("id", issuer: "https://auth.example/\0") },
            { try oauth.setClient("id\0", privateKey: "") },
            { try oauth.setClient("id", privateKey: "\0") },
            { try oauth.setClient("id", privateKey: "", keyID: "\0") },
            { try oauth.setClient("id", privateKey: "", issuer: "\0") },
            { try oauth.setClientURL("https://app.example/\0") },
            { try oauth.setScopes(["a\0b"]) },
            { try oauth.setResource("\0") },
            { try oauth.setParameter("a\0b", to: "x") },
            { try oauth.setParameter("a", to: "\0") },
            { try oauth.setRedirect("\(privateRedirect)\0") },
            { try oauth.useFolder("/tmp/\0") },
            { try oauth.finish("\(privateRedirect)?\0") },
            { try oauth.setIdentity(tokenEndpoint: "https://identity.example/\0", clientID: "id") },
            { try oauth.setIdentity(tokenEndpoint: "https://identity.example/", clientID: "\0") },
            { try oauth.setIdentity(tokenEndpoint: "https://identity.example/", clientID: "id", secret: "\0") },
        ]
        for setter in setters {
            let error = try await failure(.invalidArgument) { try setter() }
            #expect(error.message.contains("NUL"))
        }
    }

    @Test func settingsCanBeSetAndRemoved() throws {
        let oauth = try OAuth(clientURL: "https://app.example/mcp-client.json") { _ in nil }
        try oauth.setClientURL(nil)
        try oauth.setScopes(nil)
        try oauth.setScopes([])
        try oauth.setResource("")
        try oauth.setResource(nil)
        try oauth.setParameter("audience", to: "x")
        try oauth.setParameter("audience", to: nil)
        for leniency in [OAuth.Leniency.unstatedPKCE, .privateAddresses, .plainHTTP] {
            try oauth.allow(leniency)
            try oauth.allow(leniency, false)
        }
        for grant in [OAuth.Grant.clientCredentials, .assertion, .login] {
            try oauth.setGrant(grant)
        }
        try oauth.setRedirect("https://app.example/callback")
        try oauth.setRedirect("http://localhost:8080/callback")
        try oauth.setLogin(.whenNeeded, timeout: .zero)
        try oauth.setRegistration(false)
        try oauth.setAssertion { _ in "x" }
        try oauth.removeAssertion()
        try oauth.useBrowser()
        try oauth.setOpen { _ in nil }
        try oauth.removeOpen()
    }

    @Test func settingsAreFixedByFirstClient() async throws {
        let oauth = OAuth()
        _ = try Client("http://127.0.0.1/mcp", oauth: oauth)
        let setters: [() throws -> Void] = [
            { try oauth.setClient("id") },
            { try oauth.setClientURL(nil) },
            { try oauth.setRegistration(false) },
            { try oauth.setGrant(.login) },
            { try oauth.setScopes(nil) },
            { try oauth.setResource(nil) },
            { try oauth.setParameter("audience", to: nil) },
            { try oauth.allow(.plainHTTP) },
            { try oauth.setOpen { _ in nil } },
            { try oauth.useBrowser() },
            { try oauth.setRedirect(privateRedirect) },
            { try oauth.setLogin(.whenNeeded) },
            { try oauth.setStore(nil) },
            { try oauth.setAssertion { _ in "x" } },
            { try oauth.setIdentity(tokenEndpoint: "https://identity.example/token", clientID: "id") },
        ]
        for setter in setters {
            try await failure(.misuse) { try setter() }
        }
    }

    @Test func clientsWithoutOAuthCannotLogIn() async throws {
        let client = try Scripted.client("dual")
        try await failure(.misuse) { try await client.login() }
        try await failure(.misuse) { try await client.logout() }
        try await failure(.misuse) { try await client.oauthState() }

        let process = try Client(command: ["true"])
        try await failure(.misuse) { try process.setOAuth(OAuth()) }
        try await failure(.misuse) { try await process.login() }
        try await failure(.misuse) { try await process.oauthState() }
    }

    @Test func oauthAndAuthClosureReplaceEachOther() async throws {
        let server = try OAuthServer()
        let client = try server.client()
        try await failure(.unauthorized) { try await client.ping() }
        try client.setAuth { _ in throw CancellationError() }
        try client.setOAuth(OAuth(redirect: privateRedirect) { try server.redirect($0.url) })
        try await client.ping()
        try client.setAuth { $0.bearer = "wrong-token" }
        try await failure(.unauthorized) { try await client.ping() }
        try await failure(.misuse) { try await client.oauthState() }

        try client.setOAuth(OAuth())
        try await failure(.loginRequired) { try await client.ping() }
        try client.setOAuth(nil)
        try await failure(.unauthorized) { try await client.ping() }
    }

    /// The closures are released with the object, and when they are replaced.
    @Test func closuresAreReleased() async throws {
        let deinitCount = Shared(0)
        do {
            let oauth = OAuth()
            for _ in 0..<2 {
                let (one, two, three) = (
                    DeinitCounter(deinitCount), DeinitCounter(deinitCount), DeinitCounter(deinitCount)
                )
                try oauth.setOpen { _ in
                    one.keepAlive()
                    return nil
                }
                try oauth.setAssertion { _ in
                    two.keepAlive()
                    return "x"
                }
                try oauth.setStore(CountedStore(counter: three))
            }
            #expect(deinitCount.value == 3)
            let client = try Client("http://127.0.0.1/mcp", oauth: oauth)
            // A setter that fails releases its closure as well.
            let late = DeinitCounter(deinitCount)
            try await failure(.misuse) {
                try oauth.setOpen { [late] _ in
                    late.keepAlive()
                    return nil
                }
            }
            try client.setOAuth(nil)
        }
        try await eventually { deinitCount.value == 7 }
    }

    private struct CountedStore: OAuthStore {
        let counter: DeinitCounter

        func load(_ key: String) -> String? { nil }
        func save(_ text: String?, for key: String) {}
    }
}
