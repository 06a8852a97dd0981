import Foundation
import LibMCP
import Testing

@Suite struct CallTests {
    @Test(arguments: [
        ("dual", "modern", "streamable-http"), ("legacy", "legacy", "streamable-http"), ("sse", "legacy", "sse"),
    ])
    func connectPingInfoAndCloseWork(_ scenario: String, _ era: String, _ transport: String) async throws {
        let client = try Scripted.client(scenario)
        try await client.connect()
        try await client.ping()
        try await client.ping(timeout: .seconds(10), idleTimeout: .seconds(10))
        let info = try await client.serverInfo()
        #expect(info["era"]?.string == era && info["transport"]?.string == transport)
        #expect(info["serverInfo"]?["name"]?.string?.isEmpty == false)
        try await client.close()
    }

    @Test func blockingFormsWork() async throws {
        try await onThread {
            let client = try Scripted.client("legacy")
            let token = CancelToken()
            try client.blocking.connect(timeout: .seconds(10), idleTimeout: .seconds(10), cancel: token)
            try client.blocking.ping(cancel: token)
            #expect(try client.blocking.serverInfo()["era"]?.string == "legacy")
            try client.blocking.close()
            do throws(MCPError) {
                try client.blocking.ping()
                Issue.record("a ping on a closed client succeeded")
            } catch {
                #expect(error.status == .closed)
            }
        }
    }

    @Test func timeoutsEndCalls() async throws {
        let client = try Scripted.client("legacy+fault=silent+when=ping")
        try await failure(.timeout) { try await client.ping(timeout: .milliseconds(50)) }
        try await failure(.timeout) { try await client.ping(timeout: .microseconds(1)) }
        try await failure(.timeout) { try await client.ping(timeout: .zero, idleTimeout: .milliseconds(50)) }
        try client.setTimeout(.milliseconds(50))
        try await failure(.timeout) { try await client.ping() }
        try await failure(.timeout) { try await onThread { try client.blocking.ping(timeout: .milliseconds(50)) } }
    }

    /// A response that arrives slowly, byte by byte, does not trigger the idle timeout.
    @Test func slowResponseIsNotIdle() async throws {
        let client = try Scripted.client("legacy+fault=drip+when=ping")
        try await client.ping(timeout: .seconds(30), idleTimeout: .seconds(2))
    }
}

@Suite struct CancelTests {
    @Test(arguments: ["legacy", "sse"])
    func cancelledCallEndsPromptly(_ era: String) async throws {
        let tag = newTag()
        let client = try Scripted.client("\(era)+tag=\(tag)+fault=silent+when=ping+times=1")
        let call = Task { try await client.ping() }
        try await Scripted.waitForPings(tag)
        let start = Stopwatch()
        call.cancel()
        let result = await call.result
        expectPromptEnd("a cancelled ping (\(era)) ended after", since: start)
        #expect(throws: CancellationError.self) { try result.get() }
        try await client.ping()
    }

    /// A task that is cancelled before the call sends nothing.
    @Test func cancelledTaskSendsNothing() async throws {
        let tag = newTag()
        let client = try Scripted.client("dual+tag=\(tag)")
        let call = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await client.ping()
        }
        await #expect(throws: CancellationError.self) { try await call.value }
        #expect(try await Scripted.log(tag).isEmpty)
    }

    @Test func cancelledGroupEndsAllCalls() async throws {
        let tag = newTag()
        let client = try Scripted.client("legacy+tag=\(tag)+fault=silent+when=ping")
        var start = Stopwatch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    await #expect(throws: CancellationError.self) { try await client.ping() }
                }
            }
            try await Scripted.waitForPings(tag, times: 8)
            start = Stopwatch()
            group.cancelAll()
            try await group.waitForAll()
        }
        expectPromptEnd("8 cancelled pings ended after", since: start)
    }

    @Test func tokenEndsBlockingCall() async throws {
        let tag = newTag()
        let client = try Scripted.client("legacy+tag=\(tag)+fault=silent+when=ping")
        let token = CancelToken()
        let call = Task { try await onThread { try client.blocking.ping(cancel: token) } }
        try await Scripted.waitForPings(tag)
        let start = Stopwatch()
        token.trigger()
        token.trigger()
        try await failure(.cancelled) { try await call.value }
        expectPromptEnd("a triggered blocking ping ended after", since: start)
        // The token stays triggered.
        try await failure(.cancelled) { try await onThread { try client.blocking.ping(cancel: token) } }
        #expect(token.isTriggered)
        token.reset()
        #expect(!token.isTriggered)
        try await failure(.timeout) {
            try await onThread { try client.blocking.ping(timeout: .milliseconds(50), cancel: token) }
        }
    }
}

@Suite struct CloseTests {
    @Test(arguments: ["legacy", "sse", "modern"])
    func closeEndsCallsInProgress(_ era: String) async throws {
        let tag = newTag()
        let method = era == "modern" ? "server/discover" : "ping"
        let client = try Scripted.client("\(era)+tag=\(tag)+fault=silent+when=\(method)")
        let calls = (0..<8).map { _ in Task { try await client.ping() } }
        try await eventually {
            try await Scripted.log(tag).filter { $0["rpc_method"]?.string == method }.count >= (era == "modern" ? 1 : 8)
        }
        let start = Stopwatch()
        try await client.close()
        for call in calls {
            try await failure(.closed) { try await call.value }
        }
        expectPromptEnd("8 blocked pings (\(era)) ended by close after", since: start)
        try await failure(.closed) { try await client.ping() }
    }

    @Test func callsAfterCloseThrowClosed() async throws {
        let client = try Scripted.client("legacy")
        try await client.ping()
        try await client.close()
        try await client.close()
        try await failure(.closed) { try await client.connect() }
        try await failure(.closed) { try await client.ping() }
        try await failure(.closed) { try await client.serverInfo() }
        try await onThread { try client.blocking.close() }
    }

    @Test func clientCanBeClosedBeforeFirstCall() async throws {
        let client = try Scripted.client("legacy")
        try await client.close()
        try await failure(.closed) { try await client.ping() }
    }

    /// Cleanup code in a cancelled task can close the client.
    @Test func closeWorksInCancelledTask() async throws {
        let client = try Scripted.client("legacy")
        try await client.ping()
        let closing = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await client.close()
        }
        _ = await closing.result
        try await failure(.closed) { try await client.ping() }
    }

    /// The server does not respond to the DELETE request: the client is closed anyway.
    @Test func clientIsClosedWhenServerDoesNotRespond() async throws {
        let client = try Scripted.client("legacy+fault=silent+when=DELETE")
        try await client.ping()
        try await failure(.timeout) { try await client.close(timeout: .milliseconds(50)) }
        try await failure(.closed) { try await client.ping() }
        try await client.close()
    }

    /// The last other reference is released during the call: the call keeps the client alive.
    @Test func callKeepsClientAlive() async throws {
        let tag = newTag()
        weak var weakly: Client?
        var call: Task<Void, any Error>?
        do {
            let client = try Scripted.client("legacy+tag=\(tag)+fault=silent+when=ping")
            weakly = client
            call = Task { try await client.ping() }
        }
        try await Scripted.waitForPings(tag)
        #expect(weakly != nil)
        call?.cancel()
        _ = await call?.result
        call = nil
        try await eventually { weakly == nil }
    }
}
