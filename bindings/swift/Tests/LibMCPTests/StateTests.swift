import Foundation
import LibMCP
import Testing

@Suite struct StateTests {
    @Test func stateFollowsSession() async throws {
        let client = try Scripted.client("legacy+fault=lost-session+when=ping+times=1+tag=\(newTag())")
        let states = Shared<[ConnectionState]>([])
        try client.setStateChanged { state in states.change { $0.append(state) } }
        #expect(client.state == .notConnected)
        try await client.connect()
        #expect(client.state == .connected)
        try await client.ping()
        try await client.close()
        #expect(client.state == .closed)
        #expect(states.value == [.connected, .lost, .connected, .closed])
    }

    @Test func endOfProcessIsNoticed() async throws {
        // The first ping ends the server, and the next one starts it again.
        let marker = try TemporaryFile()
        let once = "if [ ! -e '\(marker.path)' ]; then : > '\(marker.path)'; kill -9 $$; fi; respond '{\"done\":true}'"
        let server = try StdioServer("2025-11-25", [(method("ping"), once)])
        let client = try server.client()
        let states = Shared<[ConnectionState]>([])
        try client.setStateChanged { state in states.change { $0.append(state) } }
        try await client.connect()
        try await failure(.processFailed) { try await client.ping() }
        try await eventually { states.value == [.connected, .processEnded] }
        #expect(client.state == .processEnded)
        try client.removeStateChanged()
        try await client.ping()
        #expect(client.state == .connected)
        #expect(states.value.count == 2)
    }

    @Test(arguments: ["legacy", "modern"]) func savedSessionIsContinued(_ era: String) async throws {
        let tag = newTag()
        let first = try Scripted.client("\(era)+tag=\(tag)")
        try await failure(.misuse) { try first.saveSession() }
        try await first.connect()
        let saved = try first.saveSession()
        #expect((saved["sessionId"] != nil) == (era == "legacy"))
        let count = try await Scripted.log(tag).count

        let second = try Scripted.client("\(era)+tag=\(tag)")
        try second.setSavedSession(JSON(parsing: saved.raw))
        _ = try await second.listTools()
        let requests = try await Scripted.log(tag).dropFirst(count)
        #expect(requests.map { $0["rpc_method"]?.string } == ["tools/list"])
        try await failure(.misuse) { try second.setSavedSession(nil) }
    }

    @Test func wrongSavedSessionsAreRefused() async throws {
        let client = try Scripted.client("legacy")
        try client.setSavedSession(nil)
        try await failure(.invalidArgument) { try client.setSavedSession([:]) }
        try await client.connect()
        let saved = try client.saveSession()
        let other = try Client("http://127.0.0.1:1/mcp")
        try await failure(.invalidArgument) { try other.setSavedSession(saved) }
    }
}
