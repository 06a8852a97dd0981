import Foundation
import LibMCP
import Testing

@Suite struct InputTests {
    static let legacy = ["everything", "everything-sse"]
    static let sample: JSON = [
        "role": "assistant", "content": ["type": "text", "text": "Old pond"], "model": "basho-1",
        "stopReason": "endTurn",
    ]

    @Test(arguments: legacy) func elicitationAnswersReachLegacyServer(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let requests = Shared<[InputRequest]>([])
        let answers = Shared<[ElicitationAnswer]>([
            .accept(["name": "Ada", "integer": 7]), .accept(), .decline, .cancel, .result(["action": "decline"]),
        ])
        try client.setElicitation { request in
            await Task.yield()
            requests.change { $0.append(request) }
            return answers.change { $0.removeFirst() }
        }
        func call() async throws -> String { try await client.callTool("trigger-elicitation-request").text }
        let filled = try await call()
        #expect(filled.contains("Name: Ada") && filled.contains("Favorite Integer: 7") && filled.contains("3.14"))
        let request = try #require(requests.value.first)
        #expect(request.method == "elicitation/create" && request.message?.isEmpty == false && request.url == nil)
        #expect(request.requestedSchema?.pointer("/properties/name/type")?.string == "string")
        #expect(request.params["message"]?.string == request.message)
        #expect(try await call().contains("Favorite Integer: 42"))
        #expect(try await call().contains("declined"))
        #expect(try await call().contains("cancelled"))
        #expect(try await call().contains("declined"))
        try await failure(.misuse) { try client.setElicitation { _ in .decline } }
    }

    @Test func urlElicitationIsAccepted() async throws {
        let client = try RealServer("everything").ready()
        let urls = Shared<[String?]>([])
        try client.setElicitation { request in
            urls.change { $0.append(request.url) }
            return .accept()
        }
        let arguments: JSON = ["url": "https://example.test/login", "message": "Log in.", "elicitationId": "e-1"]
        #expect(try await client.callTool("trigger-url-elicitation", arguments: arguments).text.contains("completed"))
        #expect(urls.value == ["https://example.test/login"])
    }

    @Test(arguments: legacy) func samplingAndRootsReachLegacyServer(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let inputs = Shared<[InputRequest]>([])
        try client.setSampling { request in
            inputs.change { $0.append(request) }
            return Self.sample
        }
        try client.setRoots { request in
            #expect(request.method == "roots/list")
            return [Root(uri: "file:///srv/one", name: "One"), Root(uri: "file:///srv/two")]
        }
        let haiku: JSON = ["prompt": "a haiku", "maxTokens": 17]
        let text = try await client.callTool("trigger-sampling-request", arguments: haiku).text
        #expect(text.contains("Old pond") && text.contains("basho-1"))
        #expect(inputs.value.first?.method == "sampling/createMessage")
        #expect(inputs.value.first?.params["maxTokens"]?.int == 17)
        let roots = try await client.callTool("get-roots-list").text
        #expect(roots.contains("One\n   URI: file:///srv/one") && roots.contains("file:///srv/two"))
    }

    /// A modern server requests three inputs at once, then one input in each of several rounds.
    @Test func modernServerReceivesAllInputs() async throws {
        let client = try RealServer("features-ts2").ready()
        let methods = Shared<Set<String>>([])
        try client.setElicitation { request in
            methods.change { _ = $0.insert(request.method) }
            let word = request.message?.split(separator: " ").last.map { $0.dropLast() } ?? ""
            return .accept(["colour": "red", "word": "w\(word)"])
        }
        try client.setSampling { request in
            methods.change { _ = $0.insert(request.method) }
            return Self.sample
        }
        try client.setRoots { request in
            methods.change { _ = $0.insert(request.method) }
            return [Root(uri: "file:///srv")]
        }
        #expect(try await client.callTool("ask_all").text == "three: red, Old pond, 1")
        #expect(methods.value == ["elicitation/create", "sampling/createMessage", "roots/list"])
        #expect(try await client.callTool("rounds", arguments: ["count": 3]).text == "w1 w2 w3")
        #expect(try await onThread { try client.blocking.callTool("ask_all").text } == "three: red, Old pond, 1")
    }

    @Test func inputWithoutHandlerIsUnsupported() async throws {
        let server = try Self.elicitingServer("2026-07-28")
        try await failure(.inputUnsupported) { try await server.client().callTool("asks") }
    }

    /// Handlers that throw different errors, and two with invalid results. The client stays usable.
    @Test func failingHandlersFailTheCall() async throws {
        struct Locked: LocalizedError {
            var errorDescription: String? { "the door\0is locked" }
        }
        let handlers: [(String, ElicitationHandler)] = [
            ("the door\u{FFFD}is locked", { _ in throw Locked() }),
            ("no, thanks", { _ in throw InputError(code: -1, message: "no, thanks") }),
            ("CancellationError", { _ in throw CancellationError() }),
            ("", { _ in .accept([1]) }),
            ("", { _ in .result(["action": "perhaps"]) }),
        ]
        for (expectedText, handler) in handlers {
            let server = try Self.elicitingServer("2026-07-28")
            let client = try server.client()
            try client.setElicitation(handler)
            let error = try await failure(.inputFailed) { try await client.callTool("asks") }
            #expect(expectedText.isEmpty || error.message.contains(expectedText))
            let cause = try #require(error.underlyingError)
            #expect(!expectedText.isEmpty || (cause as? MCPError)?.status == .invalidArgument)
            #expect(!expectedText.hasPrefix("the door") || cause is Locked)
            try await client.ping()

            // A legacy server receives the error, and continues.
            let old = try Self.elicitingServer("2025-11-25")
            let other = try old.client()
            try other.setElicitation(handler)
            #expect(try await other.callTool("asks").text == "asked")
            let answer = try #require(try old.received().first { $0["id"]?.string == "s1" }?["error"])
            #expect(answer["code"]?.int == (expectedText == "no, thanks" ? -1 : -32603))
            let message = try #require(answer["message"]?.string)
            #expect(!message.isEmpty && (expectedText.isEmpty || message.contains(expectedText)))
        }
        #expect(InputError(code: -1, message: "no").localizedDescription == "no")
    }

    /// A waiting handler sees that its result is no longer needed.
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func handlerSeesCancellation(_ version: String) async throws {
        let server = try Self.elicitingServer(version)
        let client = try server.client()
        let cancelledStates = Shared<[Bool]>([])
        let (requests, continuation) = AsyncStream<InputRequest>.makeStream()
        try client.setElicitation { request in
            cancelledStates.change { $0.append(request.isCancelled) }
            continuation.yield(request)
            while !request.isCancelled {
                await Task.yield()
            }
            cancelledStates.change { $0.append(true) }
            return .cancel
        }
        let call = Task { try await client.callTool("asks") }
        let request = try #require(await requests.first { _ in true })
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        // The call does not wait for the handler.
        try await eventually { cancelledStates.value == [false, true] && request.isCancelled }
    }

    @Test func handlerKnowsItsClient() async throws {
        let server = try Self.elicitingServer("2026-07-28")
        let script = try TemporaryFile(text: server.command[2])
        let config = try TemporaryFile(
            text: #"{"mcpServers": {"asker": {"command": "sh", "args": ["\#(script.path)"]}}}"#)
        let client = try Client(config: config.path)
        let names = Shared<[String]>([])
        try client.setElicitation { request in
            names.change { $0.append(request.clientName) }
            throw InputError(code: -1, message: "no")
        }
        try await failure(.inputFailed) { try await client.callTool("asks", timeout: .seconds(30)) }
        #expect(names.value == ["asker"])
    }

    @Test func rejectedSamplingReachesRealServer() async throws {
        let client = try RealServer("everything").ready()
        try client.setSampling { _ in throw InputError(code: -1, message: "the user declined") }
        let haiku: JSON = ["prompt": "a haiku", "maxTokens": 17]
        let error = try await toolError { try await client.callTool("trigger-sampling-request", arguments: haiku) }
        #expect(error.description == "MCP error -1: the user declined")
    }

    /// A handler can make calls on its client, also if the server's request belongs to no call.
    @Test func handlersCanMakeCalls() async throws {
        let client = try RealServer("everything").ready()
        try client.setElicitation { [weak client] _ in
            try await client?.ping()
            return .decline
        }
        #expect(try await client.callTool("trigger-elicitation-request").text.contains("declined"))

        let server = try StdioServer(
            "2025-11-25", [(method("ping"), #"respond '{"done":true}'; \#(Self.askForRoots)"#)])
        let idleClient = try server.client()
        try idleClient.setRoots { [weak idleClient] _ in
            try await idleClient?.callTool("echo")
            return [Root(uri: "file:///srv")]
        }
        try await idleClient.ping()
        try await eventually {
            try server.received().contains { $0.pointer("/result/roots/0/uri")?.string == "file:///srv" }
        }
        #expect(try server.received("tools/call").count == 1)
    }

    /// A handler that no call waits for releases the last reference to the client.
    @Test func clientCanBeFreedInsideHandler() async throws {
        let server = try StdioServer("2025-11-25", [(method("ping"), #"respond '{"pid":'$$'}'; \#(Self.askForRoots)"#)])
        let holder = Shared<Client?>(nil)
        let othersReleased = Shared(false)
        let freed = Shared(false)
        var process = 0
        do {
            let client = try server.client()
            holder.change { $0 = client }
            try client.setRoots { [weak client] _ in
                try await eventually { othersReleased.value }
                holder.change { $0 = nil }
                freed.change { $0 = client == nil }
                return []
            }
            process = try #require(try await client.request("ping")["pid"]?.int)
        }
        othersReleased.change { $0 = true }
        try await eventually { freed.value }
        try await eventually { kill(pid_t(process), 0) != 0 }
    }

    @Test(arguments: legacy) func parallelHandlersGetTheirRequests(_ name: String) async throws {
        let client = try RealServer(name).ready()
        try client.setSampling { request in
            await Task.yield()
            let text = request.params.pointer("/messages/0/content/text")?.string ?? ""
            return ["role": "assistant", "content": ["type": "text", "text": "<\(text)>"], "model": "none"]
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<32 {
                group.addTask {
                    let result = try await client.callTool(
                        "trigger-sampling-request", arguments: ["prompt": "p\(number)"])
                    #expect(result.text.contains("context: p\(number)>"))
                }
            }
            try await group.waitForAll()
        }
    }

    /// Cancelling the call while the handler waits for the user cancels the handler.
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func cancelledCallCancelsHandler(_ version: String) async throws {
        let server = try Self.elicitingServer(version)
        let client = try server.client()
        let runs = Shared(0)
        try client.setElicitation { _ in
            runs.change { $0 += 1 }
            if runs.value == 1 {
                try await Task.sleep(for: .seconds(3600))
            }
            return .decline
        }
        let call = Task { try await client.callTool("asks") }
        try await eventually { runs.value == 1 }
        let start = Stopwatch()
        call.cancel()
        let result = await call.result
        expectPromptEnd("a call (\(version)) that was cancelled during its handler ended after", since: start)
        #expect(throws: CancellationError.self) { try result.get() }
        try await client.ping()
    }

    @Test func handlersAreReleasedOnce() async throws {
        let deinitCount = Shared(0)
        do {
            let client = try Scripted.client("dual")
            func set() throws {
                let one = DeinitCounter(deinitCount)
                let two = DeinitCounter(deinitCount)
                let three = DeinitCounter(deinitCount)
                try client.setElicitation { _ in
                    one.keepAlive()
                    return .decline
                }
                try client.setSampling { _ in
                    two.keepAlive()
                    return Self.sample
                }
                try client.setRoots { _ in
                    three.keepAlive()
                    return []
                }
            }
            try set()
            #expect(deinitCount.value == 0)
            try set()
            try await eventually { deinitCount.value == 3 }
            try await client.ping()
            // After the first call, a handler is rejected and released immediately.
            let late = DeinitCounter(deinitCount)
            try await failure(.misuse) {
                try client.setRoots { [late] _ in
                    late.keepAlive()
                    return []
                }
            }
        }
        try await eventually { deinitCount.value == 7 }
    }

    /// The shell command with which a server requests the roots outside of any call.
    private static let askForRoots = #"send '{"jsonrpc":"2.0","id":"s1","method":"roots/list"}'"#

    /// A server whose tool elicits input, and responds with "asked" when it has the result.
    static func elicitingServer(_ version: String) throws -> StdioServer {
        let schema = #"{"type":"object","properties":{}}"#
        let params = #"{"message":"Who?","requestedSchema":\#(schema)}"#
        let elicitation = #"{"method":"elicitation/create","params":\#(params)}"#
        let done = #"{"content":[{"type":"text","text":"asked"}]}"#
        if version >= "2026-07-28" {
            let result = #"{"resultType":"input_required","inputRequests":{"k":\#(elicitation)},"requestState":"s"}"#
            return try StdioServer(version, [(method("tools/call"), "respond '\(result)'")])
        }
        let request = #"{"jsonrpc":"2.0","id":"s1",\#(elicitation.dropFirst())"#
        return try StdioServer(
            version,
            [(method("tools/call"), "call=$id; send '\(request)'"), (#""id":"s1""#, "id=$call; respond '\(done)'")])
    }
}
