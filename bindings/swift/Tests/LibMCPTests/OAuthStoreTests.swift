import Foundation
import LibMCP
import Testing

/// A store in memory.
private actor MemoryStore: OAuthStore {
    private(set) var texts: [String: String] = [:]
    private(set) var locks = 0
    private(set) var unlocks = 0

    func load(_ key: String) -> String? { texts[key] }
    func save(_ text: String?, for key: String) { texts[key] = text }
    func lock(_ key: String) { locks += 1 }
    func unlock(_ key: String) { unlocks += 1 }
}

/// A store that fails.
private struct BrokenStore: OAuthStore {
    struct Locked: LocalizedError {
        var errorDescription: String? { "the keychain is locked" }
    }

    let canLoad: Bool

    func load(_ key: String) throws -> String? {
        if !canLoad { throw Locked() }
        return nil
    }
    func save(_ text: String?, for key: String) throws { throw Locked() }
}

@Suite struct OAuthStoreTests {
    @Test func customStoreKeepsLogin() async throws {
        let server = try OAuthServer()
        let store = MemoryStore()
        let oauth = try OAuth(redirect: privateRedirect, store: store) { try server.redirect($0.url) }
        try await server.client(oauth).ping()
        let (key, text) = try #require(await store.texts.first)
        #expect(key.hasPrefix(server.url) && text.contains("token-1"))
        #expect(await store.locks > 0)
        #expect(await store.locks == store.unlocks)

        // After a restart, the user need not log in again.
        let restarted = OAuth()
        try restarted.setStore(store)
        let client = try server.client(restarted)
        try await client.ping()
        #expect(try await client.oauthState().clientID == "registered-client")
        #expect(server.state.value.issued == 1)
        try await client.logout()
        #expect(await store.texts[key]?.contains("token-1") != true)
    }

    @Test func folderKeepsLogin() async throws {
        let server = try OAuthServer()
        let folder = try TemporaryFile()
        let oauth = try OAuth(redirect: privateRedirect) { try server.redirect($0.url) }
        try oauth.useFolder(folder.path)
        try await server.client(oauth).ping()
        let restarted = OAuth()
        try restarted.useFolder(folder.path)
        try await server.client(restarted).ping()
        #expect(server.state.value.issued == 1)
    }

    @Test(arguments: [false, true]) func storeErrorFailsCall(_ canLoad: Bool) async throws {
        let server = try OAuthServer()
        let store = BrokenStore(canLoad: canLoad)
        let oauth = try OAuth(redirect: privateRedirect, store: store) { try server.redirect($0.url) }
        let error = try await failure(.oauthFailed) { try await server.client(oauth).ping() }
        #expect(error.message.contains("the keychain is locked"))
    }
}

@Suite struct OAuthGrantTests {
    @Test func clientSecretIsSent() async throws {
        let server = try OAuthServer()
        let oauth = OAuth()
        try oauth.setGrant(.clientCredentials)
        try oauth.setClient("inventory", secret: "the-secret", issuer: server.origin)
        try oauth.setScopes(["stock:read"])
        let client = try server.client(oauth)
        try await client.ping()
        let request = try #require(server.requests("/token").first)
        #expect(request.form["grant_type"] == "client_credentials" && request.form["scope"] == "stock:read")
        let credentials = Data("inventory:the-secret".utf8).base64EncodedString()
        #expect(request.headers["authorization"] == "Basic \(credentials)")
        #expect(try await client.oauthState().registration == .configured)
        #expect(server.requests("/register").isEmpty)
    }

    @Test func privateKeySignsAssertion() async throws {
        let server = try OAuthServer()
        let oauth = OAuth()
        try oauth.setGrant(.clientCredentials)
        let key = try String(contentsOfFile: variable("MCP_TEST_CLIENT_KEY"), encoding: .utf8)
        try oauth.setClient("inventory", privateKey: key, keyID: "2026-11", issuer: server.origin)
        try await server.client(oauth).ping()
        let form = try #require(server.requests("/token").first).form
        let parts = try #require(form["client_assertion"]).split(separator: ".")
        let head = try #require(Data(base64Encoded: String(parts[0]) + padding(parts[0])))
        #expect(try JSON(parsing: head)["kid"]?.string == "2026-11")
        #expect(parts.count == 3)
    }

    private func padding(_ text: Substring) -> String {
        String(repeating: "=", count: (4 - text.count % 4) % 4)
    }

    @Test func assertionClosureIsAwaited() async throws {
        let server = try OAuthServer()
        let requests = Shared<[OAuth.AssertionRequest]>([])
        let oauth = OAuth()
        try oauth.setGrant(.assertion)
        try oauth.setClient("ci", issuer: server.origin)
        try oauth.setAssertion { request in
            await Task.yield()
            requests.change { $0.append(request) }
            return "signed.by.runner"
        }
        try await server.client(oauth).ping()
        #expect(requests.value.map(\.audience) == [server.origin] && requests.value.first?.resource == server.url)
        let form = try #require(server.requests("/token").first).form
        #expect(form["assertion"] == "signed.by.runner" && form["client_id"] == "ci")
    }

    @Test func assertionErrorFailsCall() async throws {
        struct NoToken: LocalizedError {
            var errorDescription: String? { "the runner gives no token" }
        }
        let server = try OAuthServer()
        let texts = ["a\0b": "NUL", "": "assertion"]
        for (text, message) in texts {
            let error = try await failure(.oauthFailed) { try await client(server) { _ in text }.ping() }
            #expect(error.message.contains(message))
        }
        let error = try await failure(.oauthFailed) { try await client(server) { _ in throw NoToken() }.ping() }
        #expect(error.message.contains("the runner gives no token"))
        #expect(server.requests("/token").isEmpty)
    }

    private func client(_ server: OAuthServer, _ assertion: @escaping OAuth.AssertionClosure) throws -> Client {
        let oauth = OAuth()
        try oauth.setGrant(.assertion)
        try oauth.setClient("ci", issuer: server.origin)
        try oauth.setAssertion(assertion)
        return try server.client(oauth)
    }

    @Test func identityProviderExchangesToken() async throws {
        let server = try OAuthServer()
        let oauth = OAuth()
        try oauth.setGrant(.assertion)
        try oauth.setClient("app", secret: "the-secret", issuer: server.origin)
        try oauth.setIdentity(tokenEndpoint: server.origin + "/identity", clientID: "app-at-idp", secret: "idp-secret")
        try oauth.setAssertion { _ in "the.id.token" }
        try await server.client(oauth).ping()
        let exchange = try #require(server.requests("/identity").first).form
        #expect(exchange["subject_token"] == "the.id.token" && exchange["audience"] == server.origin)
        let form = try #require(server.requests("/token").first).form
        #expect(form["assertion"] == "identity-grant")
    }
}
