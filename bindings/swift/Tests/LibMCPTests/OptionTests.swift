import Foundation
import LibMCP
import Testing

@Suite struct ProgressTests {
    static let slow: JSON = ["duration": 0.2, "steps": 4]

    /// Checks the updates of a call of `slow`. On a busy machine, newer ones may replace older ones.
    private func expectSteps(_ progress: [Double], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(progress.last == 4, sourceLocation: sourceLocation)
        #expect(zip(progress, progress.dropFirst()).allSatisfy(<), sourceLocation: sourceLocation)
        #expect(Set(progress).isSubset(of: [1, 2, 3, 4]), sourceLocation: sourceLocation)
    }

    @Test(arguments: ["everything", "everything-sse"]) func progressIsReported(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let updates = Shared<[ProgressUpdate]>([])
        let options = CallOptions { update in updates.change { $0.append(update) } }
        for _ in 1...2 {
            try await client.callTool("trigger-long-running-operation", arguments: Self.slow, options: options)
            expectSteps(updates.value.map(\.progress))
            #expect(updates.value.allSatisfy { $0.total == 4 })
            updates.change { $0 = [] }
        }
        _ = try await onThread {
            try client.blocking.callTool("trigger-long-running-operation", arguments: Self.slow, options: options)
        }
        #expect(updates.value.map(\.progress) == [1, 2, 3, 4])
    }

    @Test func progressHasMessages() async throws {
        let client = try RealServer("features-fastmcp4").ready()
        let messages = Shared<[String?]>([])
        let options = CallOptions { update in messages.change { $0.append(update.message) } }
        #expect(try await client.callTool("count", arguments: ["steps": 3], options: options).text == "counted to 3")
        #expect(messages.value.last == "step 3")
        #expect(Set(messages.value).isSubset(of: ["step 1", "step 2", "step 3"]))
    }

    @Test func toolEventsReportProgressAndResult() async throws {
        let client = try RealServer("everything").ready()
        var progressValues: [Double] = []
        var results: [String] = []
        for try await event in client.toolEvents("trigger-long-running-operation", arguments: Self.slow) {
            switch event {
            case .progress(let update): progressValues.append(update.progress)
            case .result(let result): results.append(result.text)
            }
        }
        expectSteps(progressValues)
        #expect(results.count == 1 && results[0].contains("completed"))
        await #expect(throws: ToolError.self) {
            for try await _ in client.toolEvents("get-sum", arguments: ["a": "no number"]) {}
        }
    }

    /// The call ends when the loop is left. The server never responds.
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func leavingLoopCancelsCall(_ version: String) async throws {
        let server = try Self.unresponsiveServer(version)
        let client = try server.client()
        for try await event in client.toolEvents("never", timeout: .zero) {
            guard case .progress(let update) = event else { throw MissingError() }
            #expect(update.progress == 1 && update.total == nil && update.message == "half\u{FC}")
            break
        }
        try await eventually { try !server.received("notifications/cancelled").isEmpty }
        try await client.ping()
    }

    @Test(arguments: ["2025-11-25", "2026-07-28"]) func callIsCancelledDuringProgress(_ version: String) async throws {
        let server = try Self.unresponsiveServer(version)
        let client = try server.client()
        let call = Shared<Task<ToolResult, any Error>?>(nil)
        let progressReported = Shared(false)
        let options = CallOptions { _ in progressReported.change { $0 = true } }
        call.change { $0 = Task { try await client.callTool("never", timeout: .zero, options: options) } }
        try await eventually { progressReported.value }
        let start = Stopwatch()
        call.value?.cancel()
        let result = try #require(await call.value?.result)
        expectPromptEnd("a cancelled call with progress ended after", since: start)
        #expect(throws: CancellationError.self) { try result.get() }
        try await client.ping()
    }

    /// The closure itself cancels the call.
    @Test func progressClosureCanCancelCall() async throws {
        let client = try RealServer("everything").ready()
        let token = CancelToken()
        let options = CallOptions { _ in token.trigger() }
        let minute: JSON = ["duration": 60, "steps": 600]
        try await failure(.cancelled) {
            try await onThread {
                try client.blocking.callTool(
                    "trigger-long-running-operation", arguments: minute, cancel: token, options: options)
            }
        }
        try await client.ping()
    }

    @Test(arguments: ["2025-11-25", "2026-07-28"]) func errorOfProgressClosureEndsCall(_ version: String) async throws {
        struct Enough: Error {}
        let client = try Self.unresponsiveServer(version).client()
        let options = CallOptions { _ in throw Enough() }
        let error = try await failure(.cancelled) {
            try await client.callTool("never", timeout: .zero, options: options)
        }
        #expect(error.underlyingError is Enough && error.message.hasSuffix("Enough()"))
        try await failure(.cancelled) {
            try await onThread { try client.blocking.callTool("never", timeout: .zero, options: options) }
        }
        try await client.ping()
    }

    static func unresponsiveServer(_ version: String) throws -> StdioServer {
        let progress = #"{"progressToken":'$token',"progress":1,"message":"half\u00fc"}"#
        let token = #"token=${line#*\"progressToken\":}; token=${token%%[,\}]*}"#
        let notification = #"send '{"jsonrpc":"2.0","method":"notifications/progress","params":\#(progress)}'"#
        return try StdioServer(version, [(method("tools/call"), "\(token); \(notification)")])
    }
}

@Suite struct OptionTests {
    @Test func metaAndHeadersAreSent() async throws {
        let client = try RealServer("features-ts2").ready()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let options = CallOptions(meta: ["traceparent": "\(trace)"], headers: ["X-Test": "yes"])
        let result = try await client.callTool("meta", options: options)
        #expect(result.text == "\(trace) yes" && result.meta?["libmcp.test/answer"]?.int == 42)
        #expect(try await client.callTool("meta").text == "none none")
    }

    @Test func headersApplyToOneCall() async throws {
        let server = try RealServer("fastmcp4-apikey")
        let client = try server.client()
        let options = CallOptions(headers: ["X-API-Key": try server.token("right")])
        try await client.ping(options: options)
        #expect(try await !client.listTools(options: options).isEmpty)
        try await failure(.unauthorized) { try await client.ping() }
    }

    @Test func invalidOptionsAreRejected() async throws {
        let client = try Scripted.client("dual")
        let bad = [
            CallOptions(headers: ["Host": "x"]), CallOptions(headers: ["X-A": "a\nb"]),
            CallOptions(headers: ["X-A\0": "x"]), CallOptions(headers: ["X-A": "\0"]), CallOptions(meta: [1]),
            CallOptions(meta: "text"),
        ]
        for options in bad {
            try await failure(.invalidArgument) { try await client.ping(options: options) }
            try await failure(.invalidArgument) {
                for try await _ in client.tools(options: options) {}
            }
            try await failure(.invalidArgument) {
                for try await _ in client.listen(to: .tools, options: options) {}
            }
        }
        try await client.ping()
    }

    /// The closure is released with the last call that uses it.
    @Test func progressClosureIsReleasedOnce() async throws {
        let deinitCount = Shared(0)
        let client = try Scripted.client("legacy")
        do {
            let counter = DeinitCounter(deinitCount)
            let options = CallOptions { _ in counter.keepAlive() }
            try await client.ping(options: options)
            try await failure(.invalidArgument) {
                try await client.ping(options: CallOptions(headers: ["Host": "x"], progress: options.progress))
            }
            #expect(deinitCount.value == 0)
        }
        try await eventually { deinitCount.value == 1 }
    }

    @Test(arguments: ["2025-11-25", "2026-07-28"]) func rawMessagesAreSent(_ version: String) async throws {
        let server = try StdioServer(version)
        let client = try server.client()
        let meta = CallOptions(meta: ["x.example/k": [1, 2.5, "three", true, .null]])
        let result = try await client.request("x.example/ask", params: ["a": ["b": 1]], options: meta)
        #expect(result["done"]?.bool == true)
        _ = try await client.request("x.example/bare")
        try await client.notify("notifications/x.example", params: ["n": 7], options: meta)
        try await client.notify("notifications/x.bare")
        try await client.ping()
        let params = try #require(try server.received("x.example/ask").first?["params"])
        #expect(params.pointer("/a/b")?.int == 1)
        #expect(params.pointer("/_meta/x.example~1k")?.raw == #"[1,2.5,"three",true,null]"#)
        #expect(try server.received("notifications/x.example").first?.pointer("/params/n")?.int == 7)
        #expect(try server.received("notifications/x.bare").count == 1 && server.received("x.example/bare").count == 1)
        try await failure(.invalidArgument) { try await client.request("a\0b") }
        try await failure(.invalidArgument) { try await client.notify("a\0b") }
        try await failure(.invalidArgument) { try await client.request("x.example/ask", params: [1]) }
    }

    @Test func rawRequestWorksOnRealServer() async throws {
        let client = try RealServer("everything").ready()
        #expect(try await client.request("tools/list")["tools"]?.count == client.listTools().count)
        let error = try await failure(.rpcError) { try await client.request("x.example/nothing") }
        #expect(error.rpcCode == -32601)
    }
}
