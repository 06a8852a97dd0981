import Foundation
import LibMCP
import Testing

@Suite struct LogTests {
    @Test func messagesHaveLevelAndNoToken() async throws {
        let client = try Scripted.client("sse+bearer=right-token", bearer: "right-token")
        let lines = Shared<[(LogLevel, String)]>([])
        try client.setLog { level, message in lines.change { $0.append((level, message)) } }
        try await client.ping()
        #expect(!lines.value.isEmpty)
        for (level, message) in lines.value {
            #expect([.error, .warning, .info, .debug].contains(level) && Int(level.description) == nil)
            #expect(!message.contains("\n") && !message.contains("right-token"))
        }
        try client.removeLog()
        let count = lines.value.count
        try await client.ping()
        #expect(lines.value.count == count)
    }

    @Test func tokenOverPlainHTTPLogsWarning() async throws {
        let client = try Client("http://192.0.2.1/mcp", bearer: "token")
        let levels = Shared<[LogLevel]>([])
        try client.setLog { level, _ in levels.change { $0.append(level) } }
        _ = await (try? client.ping(timeout: .milliseconds(50)))
        #expect(levels.value.contains(.warning))
        #expect(LogLevel(rawValue: 9).description == "unknown")
    }
}

@Suite struct LifetimeTests {
    @Test func closuresAreReleasedOnce() async throws {
        let deinitCount = Shared(0)
        func replace(on client: Client) throws {
            let auth = DeinitCounter(deinitCount)
            let log = DeinitCounter(deinitCount)
            try client.setAuth { _ in auth.keepAlive() }
            try client.setLog { _, _ in log.keepAlive() }
        }
        weak var weakly: Client?
        do {
            let client = try Scripted.client("dual")
            weakly = client
            try replace(on: client)
            #expect(deinitCount.value == 0)
            try await client.ping()
            try replace(on: client)
            try await eventually { deinitCount.value == 2 }
            try client.removeLog()
            try await eventually { deinitCount.value == 3 }
            try await client.ping()
        }
        try await eventually { weakly == nil && deinitCount.value == 4 }
    }

    @Test func traceReceivesMessages() async throws {
        let client = try Scripted.client("dual", bearer: "s3cr3t-token")
        let messages = Shared<[String]>([])
        try client.setTrace { direction, text in
            messages.change { $0.append("\(direction == .sent ? "->" : "<-") \(text)") }
        }
        try client.useDebugOutput()
        try await client.callTool("echo", arguments: ["text": "the s3cr3t-token"])
        let text = messages.value.joined(separator: "\n")
        #expect(text.hasPrefix(#"-> {"jsonrpc":"2.0","id":1,"method":"server/discover""#))
        #expect(text.contains(#"<- {"jsonrpc":"2.0","id":1,"result":"#) && text.contains("the [redacted]"))
        #expect(!text.contains("s3cr3t"))
        try client.removeTrace()
        let count = messages.value.count
        try await client.ping()
        #expect(messages.value.count == count)
    }

    /// The log closure releases the last reference to the client on the event stream's thread.
    @Test func clientCanBeFreedInLogClosure() async throws {
        struct Weak: @unchecked Sendable {
            weak var client: Client?
        }
        let holder = Shared<Client?>(nil)
        let weakly = Shared(Weak())
        let othersReleased = DispatchSemaphore(value: 0)
        let freed = Shared(false)
        do {
            let client = try Scripted.client("sse+fault=ping-after")
            holder.change { $0 = client }
            weakly.change { $0.client = client }
            try client.setTransport(.sse)
            try client.setLog { _, message in
                guard message.contains("requested ping") else { return }
                othersReleased.wait()
                holder.change { $0 = nil }
                freed.change { $0 = weakly.value.client == nil }
            }
            try await client.ping()
        }
        othersReleased.signal()
        try await eventually { freed.value }
    }
}
