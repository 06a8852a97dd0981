import Foundation
import MCP
import Testing

@Suite struct InputTests {
    static let legacy = ["everything", "everything-sse"]
    static let sample: JSON = [
        "role": "assistant", "content": ["type": "text", "text": "Old pond"], "model": "basho-1",
        "stopReason": "endTurn",
    ]

    @Test(arguments: legacy) func elicitationAnswersReachLegacyServer(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let asked = Shared<[InputRequest]>([])
        let answers = Shared<[ElicitationAnswer]>([
            .accept(["name": "Ada", "integer": 7]), .accept(), .decline, .cancel, .result(["action": "decline"]),
        ])
        try client.setElicitation { request in
            await Task.yield()
            asked.change { $0.append(request) }
            return answers.change { $0.removeFirst() }
        }
        func call() async throws -> String { try await client.callTool("trigger-elicitation-request").text }
        let filled = try await call()
        #expect(filled.contains("Name: Ada") && filled.contains("Favorite Integer: 7") && filled.contains("3.14"))
        let request = try #require(asked.value.first)
        #expect(request.method == "elicitation/create" && request.message?.isEmpty == false && request.url == nil)
        #expect(request.requestedSchema?.at("/properties/name/type")?.string == "string")
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
        let asked = Shared<[InputRequest]>([])
        try client.setSampling { request in
            asked.change { $0.append(request) }
            return Self.sample
        }
        try client.setRoots { request in
            #expect(request.method == "roots/list")
            return [Root(uri: "file:///srv/one", name: "One"), Root(uri: "file:///srv/two")]
        }
        let haiku: JSON = ["prompt": "a haiku", "maxTokens": 17]
        let said = try await client.callTool("trigger-sampling-request", arguments: haiku).text
        #expect(said.contains("Old pond") && said.contains("basho-1"))
        #expect(
            asked.value.first?.method == "sampling/createMessage" && asked.value.first?.params["maxTokens"]?.int == 17)
        let roots = try await client.callTool("get-roots-list").text
        #expect(roots.contains("One\n   URI: file:///srv/one") && roots.contains("file:///srv/two"))
    }

    /// Three inputs in one round, on a modern server; and rounds after rounds.
    @Test func modernServerReceivesAllInputs() async throws {
        let client = try RealServer("features-ts2").ready()
        let asked = Shared<Set<String>>([])
        try client.setElicitation { request in
            asked.change { _ = $0.insert(request.method) }
            let word = request.message?.split(separator: " ").last.map { $0.dropLast() } ?? ""
            return .accept(["colour": "red", "word": "w\(word)"])
        }
        try client.setSampling { request in
            asked.change { _ = $0.insert(request.method) }
            return Self.sample
        }
        try client.setRoots { request in
            asked.change { _ = $0.insert(request.method) }
            return [Root(uri: "file:///srv")]
        }
        #expect(try await client.callTool("ask_all").text == "three: red, Old pond, 1")
        #expect(asked.value == ["elicitation/create", "sampling/createMessage", "roots/list"])
        #expect(try await client.callTool("rounds", arguments: ["count": 3]).text == "w1 w2 w3")
        #expect(try await onThread { try client.blocking.callTool("ask_all").text } == "three: red, Old pond, 1")
    }

    @Test func inputWithoutHandlerIsUnsupported() async throws {
        let server = try Self.asking("2026-07-28")
        try await failure(.inputUnsupported) { try await server.client().callTool("asks") }
    }

    /// A handler that throws, one that says how, and two that answer nonsense; the client goes on.
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
        for (said, handler) in handlers {
            let server = try Self.asking("2026-07-28")
            let client = try server.client()
            try client.setElicitation(handler)
            let error = try await failure(.inputFailed) { try await client.callTool("asks") }
            #expect(said.isEmpty || error.message.contains(said))
            try await client.ping()

            // A legacy server gets the error, and goes on.
            let old = try Self.asking("2025-11-25")
            let other = try old.client()
            try other.setElicitation(handler)
            #expect(try await other.callTool("asks").text == "asked")
            let answer = try #require(try old.received().first { $0["id"]?.string == "s1" }?["error"])
            #expect(answer["code"]?.int == (said == "no, thanks" ? -1 : -32603))
            let message = try #require(answer["message"]?.string)
            #expect(!message.isEmpty && (said.isEmpty || message.contains(said)))
        }
        #expect(InputError(code: -1, message: "no").localizedDescription == "no")
    }

    /// A handler that waits learns that its answer is not wanted any more.
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func handlerSeesCancellation(_ version: String) async throws {
        let server = try Self.asking(version)
        let client = try server.client()
        let seen = Shared<[Bool]>([])
        let (asked, asks) = AsyncStream<InputRequest>.makeStream()
        try client.setElicitation { request in
            seen.change { $0.append(request.isCancelled) }
            asks.yield(request)
            while !request.isCancelled {
                await Task.yield()
            }
            seen.change { $0.append(true) }
            return .cancel
        }
        let call = Task { try await client.callTool("asks") }
        let request = try #require(await asked.first { _ in true })
        call.cancel()
        await #expect(throws: (any Error).self) { try await call.value }
        #expect(seen.value == [false, true] && request.isCancelled)
    }

    @Test func rejectedSamplingReachesRealServer() async throws {
        let client = try RealServer("everything").ready()
        try client.setSampling { _ in throw InputError(code: -1, message: "the person said no") }
        let haiku: JSON = ["prompt": "a haiku", "maxTokens": 17]
        let error = try await toolError { try await client.callTool("trigger-sampling-request", arguments: haiku) }
        #expect(error.description == "MCP error -1: the person said no")
    }

    /// Within a call, a handler may call the same server; where the server asks by itself, that would wait for itself.
    @Test func callsInsideHandlerDependOnWaitingCall() async throws {
        let client = try RealServer("everything").ready()
        try client.setElicitation { [weak client] _ in
            try await client?.ping()
            return .decline
        }
        #expect(try await client.callTool("trigger-elicitation-request").text.contains("declined"))

        let server = try StdioServer("2025-11-25", [(method("ping"), #"answer '{"done":true}'; \#(Self.askForRoots)"#)])
        let alone = try server.client()
        let statuses = Shared<[MCPError.Status?]>([])
        try alone.setRoots { [weak alone] _ in
            do {
                try await alone?.callTool("echo")
            } catch {
                statuses.change { $0.append((error as? MCPError)?.status) }
            }
            return [Root(uri: "file:///srv")]
        }
        try await alone.ping()
        try await eventually {
            try server.received().contains { $0.at("/result/roots/0/uri")?.string == "file:///srv" }
        }
        #expect(try statuses.value == [.misuse] && server.received("tools/call").isEmpty)
    }

    /// A handler that no call waits for lets go of the last reference.
    @Test func clientCanBeFreedInsideHandler() async throws {
        let server = try StdioServer("2025-11-25", [(method("ping"), #"answer '{"pid":'$$'}'; \#(Self.askForRoots)"#)])
        let holder = Shared<Client?>(nil)
        let isAlone = Shared(false)
        let freed = Shared(false)
        var process = 0
        do {
            let client = try server.client()
            holder.change { $0 = client }
            try client.setRoots { [weak client] _ in
                try await eventually { isAlone.value }
                holder.change { $0 = nil }
                freed.change { $0 = client == nil }
                return []
            }
            process = try #require(try await client.request("ping")["pid"]?.int)
        }
        isAlone.change { $0 = true }
        try await eventually { freed.value }
        try await eventually { kill(pid_t(process), 0) != 0 }
    }

    @Test(arguments: legacy) func parallelHandlersGetTheirRequests(_ name: String) async throws {
        let client = try RealServer(name).ready()
        try client.setSampling { request in
            await Task.yield()
            let text = request.params.at("/messages/0/content/text")?.string ?? ""
            return ["role": "assistant", "content": ["type": "text", "text": "<\(text)>"], "model": "none"]
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<32 {
                group.addTask {
                    let said = try await client.callTool(
                        "trigger-sampling-request", arguments: ["prompt": "p\(number)"])
                    #expect(said.text.contains("context: p\(number)>"))
                }
            }
            try await group.waitForAll()
        }
    }

    /// The call is cancelled while a person thinks: so is the handler.
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func cancelledCallCancelsHandler(_ version: String) async throws {
        let server = try Self.asking(version)
        let client = try server.client()
        let asked = Shared(0)
        try client.setElicitation { _ in
            asked.change { $0 += 1 }
            if asked.value == 1 {
                try await Task.sleep(for: .seconds(3600))
            }
            return .decline
        }
        let call = Task { try await client.callTool("asks") }
        try await eventually { asked.value == 1 }
        let start = Stopwatch()
        call.cancel()
        let result = await call.result
        ended("a call (\(version)) that was cancelled while a person thought ended after", since: start)
        #expect(throws: CancellationError.self) { try result.get() }
        try await client.ping()
    }

    @Test func handlersAreReleasedOnce() async throws {
        let gone = Shared(0)
        do {
            let client = try Scripted.client("dual")
            func set() throws {
                let (one, two, three) = (Witness(gone), Witness(gone), Witness(gone))
                try client.setElicitation { _ in
                    one.seen()
                    return .decline
                }
                try client.setSampling { _ in
                    two.seen()
                    return Self.sample
                }
                try client.setRoots { _ in
                    three.seen()
                    return []
                }
            }
            try set()
            #expect(gone.value == 0)
            try set()
            try await eventually { gone.value == 3 }
            try await client.ping()
            // Too late: what is not taken ends at once.
            let late = Witness(gone)
            try await failure(.misuse) {
                try client.setRoots { [late] _ in
                    late.seen()
                    return []
                }
            }
        }
        try await eventually { gone.value == 7 }
    }

    /// What a server says that asks by itself.
    private static let askForRoots = #"say '{"jsonrpc":"2.0","id":"s1","method":"roots/list"}'"#

    /// A server whose tool asks a person, and says "asked" when it has the answer.
    private static func asking(_ version: String) throws -> StdioServer {
        let schema = #"{"type":"object","properties":{}}"#
        let params = #"{"message":"Who?","requestedSchema":\#(schema)}"#
        let asked = #"{"method":"elicitation/create","params":\#(params)}"#
        let done = #"{"content":[{"type":"text","text":"asked"}]}"#
        if version >= "2026-07-28" {
            let wanted = #"{"resultType":"input_required","inputRequests":{"k":\#(asked)},"requestState":"s"}"#
            return try StdioServer(version, [(method("tools/call"), "answer '\(wanted)'")])
        }
        let request = #"{"jsonrpc":"2.0","id":"s1",\#(asked.dropFirst())"#
        return try StdioServer(
            version,
            [(method("tools/call"), "call=$id; say '\(request)'"), (#""id":"s1""#, "id=$call; answer '\(done)'")])
    }
}
