import LibMCP
import Testing

@Suite struct PromptTests {
    @Test(arguments: ["everything", "everything-sse"]) func promptsAreListedAndFetched(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let prompts = try await client.listPrompts()
        let prompt = try #require(prompts.first { $0.name == "args-prompt" })
        #expect(
            prompt.arguments.map(\.name) == ["city", "state"] && prompt.arguments.map(\.isRequired) == [true, false])
        #expect(prompt.arguments.first?.title == prompt.arguments.first?.json["title"]?.string)
        #expect(prompt.arguments.first?.description == prompt.arguments.first?.json["description"]?.string)
        #expect(try await client.listPromptsPage().elements.map(\.name) == prompts.map(\.name))
        var walked: [String] = []
        for try await prompt in client.prompts() { walked.append(prompt.name) }
        #expect(walked == prompts.map(\.name))

        let got = try await client.getPrompt("args-prompt", arguments: ["city": "Ulm", "state": "BW"])
        #expect(got.messages.map(\.role) == ["user"] && got.messages.first?.text == "What's weather in Ulm, BW?")
        #expect(got.messages.first?.content?["type"]?.string == "text")
        #expect(try await client.getPrompt("simple-prompt").messages.count == 1)
        try await failure(.rpcError) { try await client.getPrompt("no-prompt") }
        try await failure(.invalidArgument) { try await client.getPrompt("a\0b") }
    }

    @Test func argumentsAreCompleted() async throws {
        let client = try RealServer("everything").ready()
        let departments = try await client.completePrompt("completable-prompt", argument: "department", value: "E")
        #expect(departments.values == ["Engineering"] && departments.hasMore != true)
        #expect(departments.total == departments.json.pointer("/completion/total")?.int)
        let known = ["department": "Sales"]
        let names = try await client.completePrompt("completable-prompt", argument: "name", value: "D", context: known)
        #expect(names.values == ["David"])
        let template = "demo://resource/dynamic/text/{resourceId}"
        #expect(try await client.completeResource(template, argument: "resourceId", value: "12").values == ["12"])
        for (argument, value) in [("a\0", ""), ("name", "\0")] {
            try await failure(.invalidArgument) {
                try await client.completePrompt("completable-prompt", argument: argument, value: value)
            }
        }
        let modern = try RealServer("features-fastmcp4").ready()
        #expect(try await modern.completePrompt("explain", argument: "topic", value: "ru").values == ["rust", "ruby"])
        let squares = "memo://squares/{number}"
        #expect(try await modern.completeResource(squares, argument: "number", value: "12").values == ["12", "123"])
        #expect(
            try await modern.getPrompt("explain", arguments: ["topic": "rust"]).messages.first?.text == "Explain rust.")
    }
}
