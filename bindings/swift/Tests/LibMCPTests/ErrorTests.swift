import Foundation
import Testing

@testable import LibMCP

@Suite struct ErrorTests {
    @Test func unauthorizedErrorHasChallenge() async throws {
        let client = try Scripted.client("dual+bearer=right-token", bearer: "wrong-token")
        let error = try await failure(.unauthorized) { try await client.ping() }
        #expect(error.httpStatus == 401)
        #expect(error.challenge?.hasPrefix("Bearer") == true)
        #expect(error.rpcCode == nil && error.rpcData == nil && error.retryAfter == nil && error.underlyingError == nil)
        #expect(!error.message.isEmpty && !error.message.contains("wrong-token"))
        #expect("\(error)" == error.message && error.localizedDescription == error.message)
        #expect(!String(reflecting: error).contains("wrong-token"))
    }

    @Test func rpcErrorHasCodeAndData() async throws {
        let client = try Scripted.client("legacy+fault=rpc-error+when=tools/list")
        let error = try await failure(.rpcError) { _ = try await client.listTools() }
        #expect(error.rpcCode == -32603 && error.message.contains("boom"))
        #expect(error.status.text == "The server returned a JSON-RPC error")
        #expect(error.rpcData?["why"]?.string == "test")
    }

    /// The data is part of the C error, which lives as long as the data is referenced.
    @Test func rpcDataOutlivesError() async throws {
        func data() async throws -> JSON? {
            try await failure(.rpcError) {
                _ = try await Scripted.client("legacy+fault=rpc-error+when=tools/list").listTools()
            }.rpcData?["why"]
        }
        #expect(try await data()?.string == "test")
    }

    @Test func rateLimitedErrorHasRetryAfter() async throws {
        let client = try Scripted.client("legacy+status=429+retry-after=7+when=ping")
        let error = try await failure(.rateLimited) { try await client.ping() }
        #expect(error.httpStatus == 429 && error.retryAfter == .seconds(7))
    }

    @Test func otherFailuresHaveTheirStatus() async throws {
        try await failure(.notFound) { try await Scripted.client("dual+fault=html-404").ping() }
        try await failure(.unavailable) { try await Scripted.client("dual+status=503").ping() }
        let refused = try await failure(.connectFailed) { try await Client("http://127.0.0.1:1/mcp").ping() }
        #expect(refused.httpStatus == nil)
        try await failure(.invalidArgument) { try Client("ftp://127.0.0.1/") }
        try await failure(.invalidArgument) { try Client("") }
        try await failure(.invalidArgument) { try Client("http://127.0.0.1/", bearer: "Bearer x") }
        try await failure(.invalidArgument) { try Client("http://127.0.0.1/", headers: ["Host": "x"]) }
    }

    @Test func statusesAreNamedAndHashable() {
        #expect(MCPError.Status.timeout.description == "MCP_TIMEOUT")
        let unknown = MCPError.Status(rawValue: 4711)
        #expect(unknown.rawValue == 4711 && unknown.description == "MCP_UNKNOWN" && unknown != .timeout)
        #expect(Set<MCPError.Status>([.timeout, .closed, .timeout]).count == 2)
    }

    @Test func durationsAreRoundedUp() async throws {
        #expect(try Duration.zero.milliseconds("it") == 0)
        #expect(try Duration.nanoseconds(1).milliseconds("it") == 1)
        #expect(try Duration.milliseconds(1).milliseconds("it") == 1)
        #expect(try Duration.microseconds(1001).milliseconds("it") == 2)
        #expect(try Duration.seconds(Int64.max).milliseconds("it") == .max)
        let client = try Scripted.client("dual")
        for negative in [Duration.nanoseconds(-1), .seconds(-1), .seconds(Int64.min)] {
            try await failure(.invalidArgument) { try client.setTimeout(negative) }
            try await failure(.invalidArgument) { try await client.ping(timeout: negative) }
            try await failure(.invalidArgument) { try await client.ping(idleTimeout: negative) }
        }
        try await client.ping(timeout: .seconds(Int64.max), idleTimeout: .seconds(Int64.max))
        try await client.ping(timeout: .zero)
    }
}
