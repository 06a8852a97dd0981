import Foundation
import LibMCP
import Testing

/// A server of tests/servers/kinds.py. Its fixture stores its state in the folder $MCP_REAL_STATE.
struct RealServer: Sendable {
    let name: String
    let state: JSON

    init(_ name: String) throws {
        self.name = name
        let folder = URL(fileURLWithPath: try variable("MCP_REAL_STATE"))
        state = try JSON(parsing: Data(contentsOf: folder.appendingPathComponent("\(name).json")))
    }

    func client() throws -> Client {
        let client = try Client(#require(state["url"]?.string))
        try client.setTimeout(.seconds(30))
        return client
    }

    func token(_ which: String) throws -> String {
        try #require(state["tokens"]?[which]?.string)
    }

    var isSSE: Bool { name.contains("-sse") }
    var hasChallenge: Bool { name != "fastmcp4-apikey" }
    /// FastMCP 3 drops the session when a call is cancelled.
    var losesCancelledSessions: Bool { name.hasPrefix("fastmcp3") }
    var version: String { name.hasPrefix("fastmcp4") && !isSSE ? "2026-07-28" : "2025-11-25" }
}

@Suite struct RealTests {
    static let withBearer = ["fastmcp4-static", "fastmcp4-sse", "fastmcp3-static"]
    static let open = ["everything", "everything-sse"]

    /// Makes one call of each kind with the client's credentials.
    private func expectCallsWork(_ server: RealServer, _ client: Client) async throws {
        struct Info: Decodable {
            struct Implementation: Decodable {
                var name: String
                var version: String?
            }
            var protocolVersion: String
            var transport: String
            var serverInfo: Implementation
        }
        try await client.connect()
        try await client.ping()
        try await client.ping(timeout: .seconds(30), idleTimeout: .seconds(30))
        let json = try await client.serverInfo()
        let info = try json.decode(Info.self)
        #expect(info.protocolVersion == server.version && info.transport == (server.isSSE ? "sse" : "streamable-http"))
        #expect(!info.serverInfo.name.isEmpty)
        #expect(json["capabilities"]?.members.map(\.key).contains("tools") == true)
        try await client.close()
        try await failure(.closed) { try await client.ping() }
        try await client.close()
    }

    private func expectUnauthorized(_ server: RealServer, _ client: Client) async throws {
        let error = try await failure(.unauthorized) { try await client.ping() }
        #expect(error.httpStatus == 401)
        #expect((error.challenge?.hasPrefix("Bearer") == true) == server.hasChallenge)
        for which in ["right", "wrong", "expired"] {
            #expect(try !error.message.contains(server.token(which)))
        }
    }

    @Test(arguments: withBearer) func onlyValidBearerTokenIsAccepted(_ name: String) async throws {
        let server = try RealServer(name)
        let client = try server.client()
        try await expectUnauthorized(server, client)
        for which in ["wrong", "expired"] {
            try client.setBearer(server.token(which))
            try await expectUnauthorized(server, client)
        }
        try client.setBearer(server.token("right"))
        try await expectCallsWork(server, client)
    }

    @Test(arguments: [("fastmcp4-apikey", "X-API-Key", ""), ("fastmcp4-static", "Authorization", "Bearer ")])
    func onlyValidHeaderIsAccepted(_ name: String, _ header: String, _ prefix: String) async throws {
        let server = try RealServer(name)
        let client = try server.client()
        try client.setHeader(header, to: prefix + server.token("wrong"))
        try await expectUnauthorized(server, client)
        try client.setHeader(header, to: prefix + server.token("right"))
        try await expectCallsWork(server, client)
    }

    /// An expired token is refreshed after the server's 401; then a refresh fails.
    @Test(arguments: withBearer) func closureRefreshesExpiredToken(_ name: String) async throws {
        struct NoRefreshToken: Error {}
        let server = try RealServer(name)
        let (right, expired) = (try server.token("right"), try server.token("expired"))
        let client = try server.client()
        let refreshed = Shared(0)
        try client.setAuth { request in
            if request.attempt > 1 {
                refreshed.change { $0 += 1 }
                #expect(request.httpStatus == 401 && request.challenge?.hasPrefix("Bearer") == true)
            }
            request.bearer = refreshed.value > 0 ? right : expired
        }
        try await expectCallsWork(server, client)
        #expect(refreshed.value == 1)

        let without = try server.client()
        try without.setAuth { request in
            await Task.yield()
            guard request.attempt == 1 else { throw NoRefreshToken() }
            request.bearer = expired
        }
        let error = try await failure(.authFailed) { try await without.ping() }
        #expect(error.httpStatus == 401 && error.underlyingError is NoRefreshToken)
    }

    @Test(arguments: open) func openServersNeedNoCredentials(_ name: String) async throws {
        let server = try RealServer(name)
        try await expectCallsWork(server, server.client())
    }

    @Test(arguments: withBearer + open) func transportCanBeSet(_ name: String) async throws {
        let server = try RealServer(name)
        let client = try server.client()
        try client.setTransport(server.isSSE ? .sse : .streamableHTTP)
        try client.setBearer(server.token("right"))
        try await expectCallsWork(server, client)

        let other = try server.client()
        try other.setTransport(server.isSSE ? .streamableHTTP : .sse)
        try other.setBearer(server.token("right"))
        #expect(await (try? other.ping()) == nil)
    }

    @Test(arguments: withBearer + open) func logHidesToken(_ name: String) async throws {
        let server = try RealServer(name)
        let right = try server.token("right")
        let client = try server.client()
        let lines = Shared<[String]>([])
        try client.setLog { _, message in lines.change { $0.append(message) } }
        try client.setBearer(right)
        try await client.ping()
        #expect(!lines.value.isEmpty && !lines.value.contains { $0.contains(right) })
    }

    /// Cancelling a task in the middle of many calls ends it; the client stays usable.
    @Test(arguments: withBearer + open) func clientIsUsableAfterCancelledCall(_ name: String) async throws {
        let server = try RealServer(name)
        let client = try server.client()
        try client.setBearer(server.token("right"))
        try await client.ping()
        let pings = Shared(0)
        let calls = Task {
            while true {
                try await client.ping()
                pings.change { $0 += 1 }
            }
        }
        try await eventually { pings.value >= 10 }
        let start = Stopwatch()
        calls.cancel()
        let result = await calls.result
        expectPromptEnd("\(name): cancelled after \(pings.value) pings, the call ended after", since: start)
        #expect(throws: CancellationError.self) { try result.get() }
        do {
            try await client.ping()
        } catch let error as MCPError where server.losesCancelledSessions && error.status == .truncated {
            try await client.ping()
        }
    }
}
