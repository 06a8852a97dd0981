import LibMCP
import Testing

@Suite struct TaskTests {
    private func started(_ client: Client, _ arguments: JSON) async throws -> ToolTask {
        let started = try await client.callToolAsTask("simulate-research-query", arguments: arguments)
        guard case .task(let task) = started else { throw MissingError() }
        return task
    }

    /// A task of 2025-11-25 that elicits input while it runs.
    @Test func taskResultIsReturned() async throws {
        let client = try RealServer("everything").ready()
        let elicitations = Shared(0)
        try client.setElicitation { _ in
            elicitations.change { $0 += 1 }
            return .accept(["interpretation": "snake"])
        }
        let task = try await started(client, ["topic": "python", "ambiguous": true])
        #expect(task.id.count == 32)
        let seen = try await client.getTask(task.id)
        // On a loaded machine it may already wait for input.
        #expect(seen.id == task.id)
        #expect(seen.status == .working || seen.status == .inputRequired)
        #expect(seen.statusMessage?.isEmpty == false)
        #expect(seen.ttl == .seconds(300) && seen.pollInterval == .seconds(1) && seen.inputRequests == nil)
        let stages = Shared<[String]>([])
        let options = CallOptions { update in stages.change { $0.append(update.message ?? "") } }
        let result = try await client.waitTask(task.id, options: options)
        #expect(result.text.hasPrefix("# Research Report: python (snake)"))
        #expect(elicitations.value == 1 && !stages.value.isEmpty)
    }

    /// Starts a task and cancels it while it runs. On a loaded machine, the task (four seconds) may end before it is
    /// cancelled: then another one is started.
    private func cancelledTask(_ client: Client) async throws -> ToolTask {
        for _ in 0..<5 {
            let task = try await started(client, ["topic": "go"])
            try await failure(.timeout) { try await client.waitTask(task.id, timeout: .milliseconds(50)) }
            guard try await client.getTask(task.id).status == .working else { continue }
            do {
                try await client.cancelTask(task.id)
                return task
            } catch let error as MCPError where error.message.contains("terminal status") {
                continue
            }
        }
        throw MissingError()
    }

    @Test func taskCanBeCancelled() async throws {
        let client = try RealServer("everything").ready()
        try client.setElicitation { _ in .decline }
        let task = try await cancelledTask(client)
        #expect(try await client.getTask(task.id).status == .cancelled)
        try await failure(.taskCancelled) { try await client.waitTask(task.id) }
        try await failure(.rpcError) { try await client.getTask("none") }
        guard case .result(let result) = try await client.callToolAsTask("echo", arguments: ["message": "now"]) else {
            throw MissingError()
        }
        #expect(result.text == "Echo: now")
    }

    /// A shell server: no real server supports the tasks of 2026-07-28.
    @Test func modernTaskReturnsResult() async throws {
        let times = #""createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttlMs":1000"#
        let task = #"{"taskId":"t1","status":"working",\#(times),"pollIntervalMs":20"#
        let text = #"{"content":[{"type":"text","text":"well"}],"isError":'$failed'}"#
        let done = #"{"taskId":"t1","status":"completed",\#(times),"result":\#(text)}"#
        let server = try StdioServer(
            "2026-07-28",
            [
                (method("tools/call"), #"respond '\#(task),"resultType":"task"}'; failed=false"#),
                (method("tasks/update"), #"failed=true; respond '{"done":true}'"#),
                (method("tasks/get"), "respond '\(done)'"),
            ])
        let client = try server.client()
        guard case .task(let started) = try await client.callToolAsTask("slow", arguments: ["n": 1]) else {
            throw MissingError()
        }
        #expect(started.id == "t1" && started.pollInterval == .milliseconds(20) && started.ttl == .seconds(1))
        #expect(try await client.getTask("t1").status == .completed)
        #expect(try await client.waitTask("t1").text == "well")
        try await client.updateTask("t1", responses: ["k": ["action": "cancel"]])
        let responses = try #require(try server.received("tasks/update").first)
        #expect(responses.pointer("/params/inputResponses/k/action")?.string == "cancel")
        #expect(try await toolError { try await client.waitTask("t1") }.result.text == "well")
        try await client.cancelTask("t1")
        #expect(try server.received("tasks/cancel").first?.pointer("/params/taskId")?.string == "t1")
        try await failure(.invalidArgument) { try await client.updateTask("t1", responses: [1]) }
        try await failure(.invalidArgument) { try await client.getTask("a\0b") }
    }
}
