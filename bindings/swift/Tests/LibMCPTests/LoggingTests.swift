import LibMCP
import Testing

@Suite struct LoggingTests {
    @Test(arguments: ["everything", "everything-sse"]) func legacyServerHonorsLevel(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let messages = Shared<[LoggingMessage]>([])
        try client.setServerLog { message in messages.change { $0.append(message) } }
        try await client.requestServerLog(.info)
        func subscribe(_ uri: String) async throws {
            _ = try await client.request("resources/subscribe", params: ["uri": "\(uri)"])
        }
        func received(_ uri: String) -> Bool {
            messages.value.contains { $0.level == .info && $0.data?.string?.contains(uri) == true }
        }
        try await subscribe("demo://one")
        try await eventually { received("demo://one") }
        try await client.requestServerLog(.emergency)
        try await subscribe("demo://two")
        try await client.requestServerLog(.debug)
        try await subscribe("demo://three")
        // The message for "two" would have arrived before this one.
        try await eventually { received("demo://three") }
        #expect(!received("demo://two"))
        #expect(messages.value.allSatisfy { $0.json["level"]?.string == $0.level.description && $0.logger == nil })
        try await failure(.invalidArgument) { try await client.requestServerLog(LoggingLevel(rawValue: "loud")) }
        try await failure(.invalidArgument) { try await client.requestServerLog(LoggingLevel(rawValue: "info\0")) }
    }

    @Test func modernServerHonorsLevel() async throws {
        let client = try RealServer("features-ts2").ready()
        let levels = Shared<[LoggingLevel]>([])
        try client.setServerLog { message in
            #expect(message.logger == "speaker" && message.data?.string == "aha")
            levels.change { $0.append(message.level) }
        }
        try await client.requestServerLog(.info)
        #expect(try await client.callTool("speak", arguments: ["text": "aha"]).text == "spoken")
        #expect(levels.value == [.info, .warning, .error])
        try client.removeServerLog()
        #expect(try await client.callTool("speak", arguments: ["text": "aha"]).text == "spoken")
        #expect(levels.value.count == 3)
    }

    @Test func levelsHaveSpecificationNames() {
        let all: [LoggingLevel] = [.debug, .info, .notice, .warning, .error, .critical, .alert, .emergency]
        #expect(
            all.map(\.rawValue).joined(separator: " ") == "debug info notice warning error critical alert emergency")
    }

    @Test func closuresAreReleasedOnce() async throws {
        let deinitCount = Shared(0)
        do {
            let client = try Scripted.client("dual")
            func set() throws {
                let counter = DeinitCounter(deinitCount)
                try client.setServerLog { _ in counter.keepAlive() }
            }
            try set()
            try set()
            try await eventually { deinitCount.value == 1 }
            try client.removeServerLog()
            try await eventually { deinitCount.value == 2 }
            try set()
        }
        try await eventually { deinitCount.value == 3 }
    }

    @Test func allNotificationsAreReceived() async throws {
        let notification = #"{"jsonrpc":"2.0","method":"notifications/example","params":{"of":"ping"}}"#
        let server = try StdioServer("2025-11-25", [(method("ping"), "send '\(notification)'; respond '{\"a\":1}'")])
        let client = try server.client()
        let seen = Shared<[String]>([])
        try client.setNotification { method, params in
            seen.change { $0.append("\(method) \(params?["of"]?.string ?? "")") }
        }
        try await client.ping()
        #expect(seen.value == ["notifications/example ping"])
        try client.removeNotification()
        try await client.ping()
        #expect(seen.value.count == 1)
    }
}
