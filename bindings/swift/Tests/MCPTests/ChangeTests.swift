import Foundation
import MCP
import Testing

@Suite struct ChangeTests {
    static let watched = "demo://resource/dynamic/text/1"

    /// On a legacy server, which says in its log what was subscribed to: the event stream stands by then.
    @Test(arguments: ["everything", "everything-sse"]) func legacyServerReportsChanges(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let said = Shared("")
        try client.setLogging { message in said.change { $0 += message.data?.string ?? "" } }
        try await client.setLoggingLevel(.debug)
        let changes = Shared<[Change]>([])
        let listening = Task {
            for try await change in client.listen(to: .resources, resources: [Self.watched]) {
                changes.change { $0.append(change) }
            }
        }
        try await eventually { said.value.contains("Received Subscribe Resource request for URI: \(Self.watched)") }
        try await client.callTool("toggle-subscriber-updates")
        try await eventually { changes.value.contains { $0.uri == Self.watched } }
        try await client.callTool("toggle-subscriber-updates")
        let file: JSON = ["name": "\(newTag()).gz", "data": "data:text/plain,x"]
        try await client.callTool("gzip-file-as-resource", arguments: file)
        try await eventually { changes.value.contains { $0.method == "notifications/resources/list_changed" } }
        #expect(changes.value.allSatisfy { $0.uri != nil || $0.method.hasSuffix("list_changed") })

        let start = Stopwatch()
        listening.cancel()
        try await listening.value
        ended("a cancelled listening task ended after", since: start)
        try await eventually { said.value.contains("Received Unsubscribe Resource request: \(Self.watched)") }
        try await client.ping()
    }

    /// On a modern server; the log says that it has the subscription.
    @Test func modernServerReportsChanges() async throws {
        let (client, subscribed) = try Self.modernClient()
        var changes: [Change] = []
        let all: ChangeSet = [.tools, .prompts, .resources]
        for try await change in client.listen(to: all, resources: ["memo://text"], timeout: .seconds(20)) {
            changes.append(change)
            switch changes.count {
            case 1: try await client.callTool("change", arguments: ["what": "prompts"])
            case 2: try await client.callTool("change", arguments: ["what": "resources"])
            case 3: try await client.callTool("touch", arguments: ["uri": "memo://text"])
            default: break
            }
            if change.uri != nil { break }
            if changes.count == 1 { #expect(subscribed.value) }
        }
        #expect(
            changes.map(\.method) == [
                "notifications/tools/list_changed", "notifications/prompts/list_changed",
                "notifications/resources/list_changed", "notifications/resources/updated",
            ])
        #expect(changes.last?.uri == "memo://text" && changes.first?.uri == nil)
        #expect(changes.last?.params?["uri"]?.string == "memo://text")
    }

    /// A client that provokes a change of the tools as soon as somebody listens.
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

    /// The loop is left: the server is told that nobody listens any more.
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func leavingLoopEndsSubscription(_ version: String) async throws {
        let server = try Self.changing(version)
        let client = try server.client()
        for try await change in client.listen(to: .tools, resources: ["test://one"]) {
            #expect(change.method == "notifications/tools/list_changed" && change.uri == nil)
            break
        }
        let goodbye = version >= "2026-07-28" ? "notifications/cancelled" : "resources/unsubscribe"
        try await eventually { try server.received(goodbye).count == 1 }
        try await client.ping()
    }

    @Test(arguments: ["2025-11-25", "2026-07-28"]) func closeEndsListening(_ version: String) async throws {
        let client = try Self.changing(version).client()
        let heard = Shared(0)
        let listening = Task {
            for try await _ in client.listen(to: .tools, resources: ["test://one"]) { heard.change { $0 += 1 } }
        }
        try await eventually { heard.value > 0 }
        let start = Stopwatch()
        try await client.close()
        try await failure(.closed) { try await listening.value }
        ended("listening ended by close after", since: start)
    }

    @Test(arguments: ["2025-11-25", "2026-07-28"]) func tokenEndsBlockingListen(_ version: String) async throws {
        let client = try Self.changing(version).client()
        let token = try CancelToken()
        let heard = Shared<[String]>([])
        try await failure(.cancelled) {
            try await onThread {
                try client.blocking.listen(to: .tools, resources: ["test://one"], cancel: token) { change in
                    heard.change { $0.append(change.method) }
                    // A call on the same client, from within.
                    #expect(throws: Never.self) { try client.blocking.ping() }
                    token.trigger()
                }
            }
        }
        #expect(heard.value == ["notifications/tools/list_changed"])
    }

    @Test func invalidSubscriptionsAreRejected() async throws {
        let client = try Scripted.client("dual")
        for changes: ChangeSet in [[], ChangeSet(rawValue: 1024)] {
            try await failure(.invalidArgument) { for try await _ in client.listen(to: changes) {} }
        }
        try await failure(.invalidArgument) {
            for try await _ in client.listen(to: .tools, resources: ["a\0b"]) {}
        }
        let deaf = try RealServer("features-fastmcp4").ready()
        let error = try await failure(.rpcError) { for try await _ in deaf.listen(to: .tools) {} }
        #expect(error.rpcCode == -32601)
    }

    /// A server that says at once that its tools have changed.
    private static func changing(_ version: String) throws -> StdioServer {
        if version < "2026-07-28" {
            let changed = #"say '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'"#
            return try StdioServer(version, [(method("resources/subscribe"), #"answer '{"done":true}'; \#(changed)"#)])
        }
        let meta = #""_meta":{"io.modelcontextprotocol/subscriptionId":'$id'}"#
        let granted = #"{"notifications":{"toolsListChanged":true},\#(meta)}"#
        let acknowledged =
            #"say '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":\#(granted)}'"#
        let changed = #"say '{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{\#(meta)}}'"#
        return try StdioServer(version, [(method("subscriptions/listen"), "\(acknowledged); \(changed)")])
    }
}
