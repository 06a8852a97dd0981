import LibMCP
import Testing

/// Makes each blocking call once. Their behavior is tested in the asynchronous form.
@Suite struct BlockingTests {
    @Test func allCallsWorkOnRealServer() async throws {
        let server = try RealServer("everything")
        try await onThread {
            let client = try server.ready()
            try client.setElicitation { _ in .decline }
            let calls = client.blocking
            let token = CancelToken()
            try calls.connect(cancel: token)
            try calls.requestServerLog(.error)
            let tools = try calls.listTools(cancel: token)
            #expect(try calls.listToolsPage().elements.map(\.name) == tools.map(\.name))
            let resources = try calls.listResources()
            #expect(try calls.listResourcesPage().elements.map(\.uri) == resources.map(\.uri))
            let templates = try calls.listResourceTemplates()
            #expect(try calls.listResourceTemplatesPage().elements.map(\.name) == templates.map(\.name))
            let prompts = try calls.listPrompts()
            #expect(try calls.listPromptsPage().elements.map(\.name) == prompts.map(\.name))
            #expect(![tools.count, resources.count, templates.count, prompts.count].contains(0))

            #expect(try calls.callTool("echo", arguments: ["message": "hi"]).text == "Echo: hi")
            #expect(try calls.callTool("get-sum", arguments: ["a": 1, "b": 2.5] as JSON).text.contains("3.5"))
            #expect(try calls.readResource("demo://resource/dynamic/text/1").contents.first?.text?.isEmpty == false)
            #expect(try calls.getPrompt("simple-prompt").messages.count == 1)
            let completion = try calls.completePrompt("completable-prompt", argument: "department", value: "E")
            #expect(completion.values == ["Engineering"])
            let template = "demo://resource/dynamic/text/{resourceId}"
            #expect(try calls.completeResource(template, argument: "resourceId", value: "7").values == ["7"])
            #expect(try calls.request("tools/list")["tools"]?.count == tools.count)
            try calls.notify("notifications/roots/list_changed")

            guard case .result(let result) = try calls.callToolAsTask("echo", arguments: ["message": "hi"]) else {
                throw MissingError()
            }
            #expect(result.text == "Echo: hi")
            let topic: JSON = ["topic": "go", "ambiguous": false]
            guard case .task(let task) = try calls.callToolAsTask("simulate-research-query", arguments: topic) else {
                throw MissingError()
            }
            #expect(try calls.getTask(task.id).status == .working)
            try calls.cancelTask(task.id)
            #expect { try calls.waitTask(task.id) } throws: { ($0 as? MCPError)?.status == .taskCancelled }
            #expect { try calls.updateTask(task.id, responses: ["k": 1]) } throws: { $0 is MCPError }
            try calls.close()
        }
    }
}
