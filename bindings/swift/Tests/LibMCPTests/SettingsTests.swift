import CMCP
import Foundation
import LibMCP
import Testing

@Suite struct SettingsTests {
    @Test func credentialsCanBeChanged() async throws {
        let client = try Scripted.client("dual+bearer=right-token+api-key=right-key")
        try await failure(.unauthorized) { try await client.ping() }
        try client.setBearer("right-token")
        try await client.ping()
        try await failure(.invalidArgument) { try client.setBearer("Bearer twice") }
        try await client.ping()
        try client.setBearer(nil)
        try await failure(.unauthorized) { try await client.ping() }
        try client.setHeader("X-API-Key", to: "right-key")
        try await client.ping()
        try client.setHeader("x-api-key", to: nil)
        try await failure(.unauthorized) { try await client.ping() }
        try await failure(.invalidArgument) { try client.setHeader("X-Line", to: "a\nb") }
        try await failure(.invalidArgument) { try client.setHeader("Mcp-Session-Id", to: "x") }

        let url = try Scripted.url("dual+bearer=right-token+api-key=right-key")
        try await Client(url, bearer: "right-token").ping()
        try await Client(#require(URL(string: url)), headers: ["X-API-Key": "right-key"]).ping()
    }

    @Test func stringsWithNULAreRejected() async throws {
        let client = try Scripted.client("dual")
        let setters: [() throws -> Void] = [
            { _ = try Client("http://127.0.0.1/\0") },
            { try client.setBearer("a\0b") },
            { try client.setHeader("X-\0", to: "x") },
            { try client.setHeader("X-A", to: "a\0b") },
            { try client.setClientInfo(name: "a\0", version: "1") },
            { try client.setClientInfo(name: "a", version: "1\0") },
            { try client.setProtocolVersion("2025-11-25\0") },
            { try client.setUnixSocket("/tmp/\0") },
            { try client.setProxy("\0") },
            { try client.setTLSAuthorities(file: "/\0") },
            { try client.setTLSCertificate(file: "/\0") },
            { try client.setTLSCertificate(file: "/", key: "/\0") },
        ]
        for setter in setters {
            let error = try await failure(.invalidArgument) { try setter() }
            #expect(error.message.contains("NUL"))
        }
    }

    @Test func idleTimeoutIsTheDefaultOfCalls() async throws {
        let client = try Scripted.client("legacy+fault=silent+when=ping")
        try await client.connect()
        try client.setIdleTimeout(.milliseconds(100))
        let error = try await failure(.timeout) { try await client.ping() }
        #expect(error.message.contains("idle timeout of 100 ms"))
        try await failure(.misuse) { try client.setStopTimeout(terminate: .seconds(1), kill: .zero) }
    }

    @Test func clientInfoIsSent() async throws {
        let tag = newTag()
        let client = try Scripted.client("legacy+tag=\(tag)")
        try client.setClientInfo(name: "Näme", version: "1.2")
        try client.setExtension("com.example/charts", to: ["formats": ["svg"]])
        try await failure(.invalidArgument) { try client.setExtension("charts", to: [:]) }
        try await client.connect()
        try await failure(.misuse) { try client.setClientInfo(name: "late", version: "1") }
        let initialize = try await Scripted.log(tag).first { $0["rpc_method"]?.string == "initialize" }
        let body = try JSON(parsing: #require(initialize?["body"]?.string))
        #expect(body.pointer("/params/clientInfo/name")?.string == "Näme")
        #expect(body.pointer("/params/clientInfo/version")?.string == "1.2")
        let extensions = body.pointer("/params/capabilities/extensions")
        #expect(extensions?.raw == #"{"com.example/charts":{"formats":["svg"]}}"#)
    }

    @Test func protocolVersionCanBePinned() async throws {
        let client = try Scripted.client("dual")
        try await failure(.invalidArgument) { try client.setProtocolVersion("1999-01-01") }
        try client.setProtocolVersion("2025-03-26")
        try client.setProtocolVersion(nil)
        try client.setProtocolVersion("2025-06-18")
        #expect(try await client.serverInfo()["protocolVersion"]?.string == "2025-06-18")
        try await failure(.misuse) { try client.setProtocolVersion(nil) }

        let modern = try Scripted.client("modern")
        try modern.setProtocolVersion("2025-06-18")
        try await failure(.versionUnsupported) { try await modern.ping() }
    }

    @Test(arguments: [
        (Client.Limit.message, "body-size=5000"), (.head, "head-size=5000"), (.event, "event-size=5000"),
    ])
    func limitsAreEnforced(_ limit: Client.Limit, _ fault: String) async throws {
        let scenario = "legacy+\(fault)+when=ping"
        try await Scripted.client(scenario).ping()
        let client = try Scripted.client(scenario)
        try client.setLimit(limit, to: 4000)
        try await failure(.tooLarge) { try await client.ping() }
        try await failure(.misuse) { try client.setLimit(limit, to: 0) }
    }

    @Test func invalidLimitsAreRejected() async throws {
        let client = try Scripted.client("dual")
        try await failure(.invalidArgument) { try client.setLimit(.message, to: -1) }
        try await failure(.invalidArgument) { try client.setLimit(.init(rawValue: 99), to: 1) }
        try await failure(.invalidArgument) { try client.setLimit(.head, to: 1 << 30) }
        try client.setLimit(.head, to: 0)
    }

    @Test func transportCanBeSet() async throws {
        let client = try Scripted.client("sse")
        try await failure(.invalidArgument) { try client.setTransport(.init(rawValue: 99)) }
        try client.setTransport(.automatic)
        try client.setTransport(.sse)
        #expect(try await client.serverInfo()["transport"]?.string == "sse")
        try await failure(.misuse) { try client.setTransport(.streamableHTTP) }

        let other = try Scripted.client("sse")
        try other.setTransport(.streamableHTTP)
        #expect(await (try? other.ping()) == nil)
        #expect(try await Scripted.client("dual").serverInfo()["transport"]?.string == "streamable-http")
    }

    @Test func unixSocketCanBeSet() async throws {
        let client = try Scripted.client("dual")
        try await failure(.invalidArgument) { try client.setUnixSocket("") }
        try client.setUnixSocket("/nowhere/at/all")
        try await failure(.connectFailed) { try await client.ping() }

        let without = try Scripted.client("dual")
        try without.setUnixSocket("/nowhere/at/all")
        try without.setUnixSocket(nil)
        try await without.ping()
    }

    @Test func proxyCanBeSet() async throws {
        let client = try Scripted.client("dual")
        try await failure(.invalidArgument) { try client.setProxy("gopher://127.0.0.1") }
        try client.setProxy("http://127.0.0.1:1")
        try await failure(.proxyFailed) { try await client.ping() }
        for none in ["", nil] {
            let direct = try Scripted.client("dual")
            try direct.setProxy("http://127.0.0.1:1")
            try direct.setProxy(none)
            try await direct.ping()
        }
    }

    @Test func requiredHTTPSBlocksPlainHTTP() async throws {
        let client = try Client("http://192.0.2.1/mcp", bearer: "token")
        try client.requireHTTPS()
        try await failure(.insecure) { try await client.ping(timeout: .seconds(5)) }
        let local = try Scripted.client("dual", bearer: "token")
        try local.requireHTTPS(true)
        try await local.ping()
    }

    @Test func tlsTrustCanBeConfigured() async throws {
        let url = try variable("MCP_TEST_TLS_URL") + "/mcp"
        let client = try Client(url)
        try await failure(.tlsFailed) { try await client.ping() }
        try await failure(.misuse) { try client.setTLSVerification(false) }

        let trusting = try Client(url)
        try await failure(.invalidArgument) { try trusting.setTLSAuthorities(file: "/nowhere/at/all") }
        try trusting.setTLSAuthorities(file: variable("MCP_TEST_CA"))
        try await trusting.ping()

        let careless = try Client(url)
        try careless.setTLSVerification(false)
        try await careless.ping()
    }

    @Test func clientCertificateIsSent() async throws {
        func client() throws -> Client {
            let client = try Client(variable("MCP_TEST_MTLS_URL") + "/mcp")
            try client.setTLSAuthorities(file: variable("MCP_TEST_CA"))
            return client
        }
        #expect(await (try? client().ping()) == nil)
        let two = try client()
        try two.setTLSCertificate(file: variable("MCP_TEST_CLIENT_CERT"), key: variable("MCP_TEST_CLIENT_KEY"))
        try await two.ping()
        let one = try client()
        try one.setTLSCertificate(file: variable("MCP_TEST_CLIENT_PEM"))
        try await one.ping()
    }

    @Test func libraryVersionMatchesHeader() {
        #expect(libraryVersion == MCP_VERSION)
    }
}
