import Foundation
import LibMCP
import Testing

@Suite struct ChangeTests {
    static let watchedURI = "demo://resource/dynamic/text/1"

    /// A legacy server, which logs each subscription; its event stream is open by then.
    @Test(arguments: ["everything", "everything-sse"]) func legacyServerReportsChanges(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let log = Shared("")
        try client.setServerLog { message in log.change { $0 += message.data?.string ?? "" } }
        try await client.requestServerLog(.debug)
        let changes = Shared<[Change]>([])
        let listening = Task {
            for try await change in client.listen(to: .resources, resources: [Self.watchedURI]) {
                changes.change { $0.append(change) }
            }
        }
        try await eventually { log.value.contains("Received Subscribe Resource request for URI: \(Self.watchedURI)") }
        try await client.callTool("toggle-subscriber-updates")
        try await eventually { changes.value.contains { $0.uri == Self.watchedURI } }
        try await client.callTool("toggle-subscriber-updates")
        let file: JSON = ["name": "\(newTag()).gz", "data": "data:text/plain,x"]
        try await client.callTool("gzip-file-as-resource", arguments: file)
        try await eventually { changes.value.contains { $0.method == "notifications/resources/list_changed" } }
        #expect(changes.value.allSatisfy { $0.uri != nil || $0.method.hasSuffix("list_changed") })

        let start = Stopwatch()
        listening.cancel()
        try await listening.value
        expectPromptEnd("a cancelled listening task ended after", since: start)
        try await eventually { log.value.contains("Received Unsubscribe Resource request: \(Self.watchedURI)") }
        try await client.ping()
    }

    /// A modern server. The client's log reports the subscription. Other tests use the server at the same time: their
    /// changes are ignored.
    @Test func modernServerReportsChanges() async throws {
        let (client, subscribed) = try Self.modernClient()
        var changes: [Change] = []
        let expected = [
            "notifications/tools/list_changed", "notifications/prompts/list_changed",
            "notifications/resources/list_changed", "notifications/resources/updated",
        ]
        let all: ChangeSet = [.tools, .prompts, .resources]
        for try await change in client.listen(to: all, resources: ["memo://text"], timeout: .seconds(20)) {
            guard change.method == expected[changes.count] else { continue }
            changes.append(change)
            if changes.count == 1 { #expect(subscribed.value) }
            if changes.count == expected.count { break }
            switch changes.count {
            case 1: try await client.callTool("change", arguments: ["what": "prompts"])
            case 2: try await client.callTool("change", arguments: ["what": "resources"])
            default: try await client.callTool("touch", arguments: ["uri": "memo://text"])
            }
        }
        #expect(changes.map(\.method) == expected)
        #expect(changes.last?.uri == "memo://text" && changes.first?.uri == nil)
        #expect(changes.last?.params?["uri"]?.string == "memo://text")
    }

    /// A client that triggers a change of the tools as soon as the subscription is established.
    private static func modernClient() throws -> (Client, Shared<Bool>) {
        let client = try RealServer("features-ts2").ready()
        let subscribed = Shared(false)
        try client.setLog { [weak client] _, line in
            guard line.hasPrefix("subscribed to") else { return }
            subscribed.change { $0 = true }
            Task { try await client?.callTool("change", arguments: ["what": "tools"]) }
        }
        return (client, subscribed)
    }

    /// Leaving the loop ends the subscription on the server.
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func leavingLoopEndsSubscription(_ version: String) async throws {
        let server = try Self.serverWithToolChange(version)
        let client = try server.client()
        for try await change in client.listen(to: .tools, resources: ["test://one"]) {
            #expect(change.method == "notifications/tools/list_changed" && change.uri == nil)
            break
        }
        let endMethod = version >= "2026-07-28" ? "notifications/cancelled" : "resources/unsubscribe"
        try await eventually { try server.received(endMethod).count == 1 }
        try await client.ping()
    }

    @Test(arguments: ["2025-11-25", "2026-07-28"]) func closeEndsListening(_ version: String) async throws {
        let client = try Self.serverWithToolChange(version).client()
        let received = Shared(0)
        let listening = Task {
            for try await _ in client.listen(to: .tools, resources: ["test://one"]) { received.change { $0 += 1 } }
        }
        try await eventually { received.value > 0 }
        let start = Stopwatch()
        try await client.close()
        try await failure(.closed) { try await listening.value }
        expectPromptEnd("listening ended by close after", since: start)
    }

    @Test(arguments: ["2025-11-25", "2026-07-28"]) func tokenEndsBlockingListen(_ version: String) async throws {
        let client = try Self.serverWithToolChange(version).client()
        let token = CancelToken()
        let received = Shared<[String]>([])
        try await failure(.cancelled) {
            try await onThread {
                try client.blocking.listen(to: .tools, resources: ["test://one"], cancel: token) { change in
                    received.change { $0.append(change.method) }
                    // A call on the same client inside the closure.
                    #expect(throws: Never.self) { try client.blocking.ping() }
                    token.trigger()
                }
            }
        }
        #expect(received.value == ["notifications/tools/list_changed"])
    }

    @Test func invalidSubscriptionsAreRejected() async throws {
        let client = try Scripted.client("dual")
        for changes: ChangeSet in [[], ChangeSet(rawValue: 1024)] {
            try await failure(.invalidArgument) { for try await _ in client.listen(to: changes) {} }
        }
        try await failure(.invalidArgument) {
            for try await _ in client.listen(to: .tools, resources: ["a\0b"]) {}
        }
        let unsupporting = try RealServer("features-fastmcp4").ready()
        let error = try await failure(.rpcError) { for try await _ in unsupporting.listen(to: .tools) {} }
        #expect(error.rpcCode == -32601)
    }

    /// A server that sends a change of its tools as soon as it receives a subscription.
    private static func serverWithToolChange(_ version: String) throws -> StdioServer {
        if version < "2026-07-28" {
            let changed = #"send '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'"#
            return try StdioServer(version, [(method("resources/subscribe"), #"respond '{"done":true}'; \#(changed)"#)])
        }
        let meta = #""_meta":{"io.modelcontextprotocol/subscriptionId":'$id'}"#
        let granted = #"{"notifications":{"toolsListChanged":true},\#(meta)}"#
        let acknowledged =
            #"send '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":\#(granted)}'"#
        let changed = #"send '{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{\#(meta)}}'"#
        return try StdioServer(version, [(method("subscriptions/listen"), "\(acknowledged); \(changed)")])
    }
}
