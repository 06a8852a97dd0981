import Foundation
import LibMCP
import Testing

extension RealServer {
    /// A client with the server's token, if there is one.
    func ready() throws -> Client {
        let client = try client()
        if let token = state["tokens"]?["right"]?.string {
            try client.setBearer(token)
        }
        return client
    }
}

@Suite struct ToolTests {
    @Test(arguments: ["everything", "everything-sse", "features-fastmcp4", "features-ts2"])
    func toolsAreListed(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let tools = try await client.listTools()
        let echo = try #require(tools.first { $0.name == "echo" })
        #expect(echo.inputSchema?["type"]?.string == "object" && echo.inputSchema?["properties"]?.count == 1)
        #expect(echo.json["name"]?.string == "echo")
        #expect(tools.count > 5 && tools.allSatisfy { !$0.name.isEmpty })
        var walked: [String] = []
        for try await tool in client.tools() {
            walked.append(tool.name)
        }
        #expect(walked == tools.map(\.name))
    }

    @Test func toolsHaveDescriptions() async throws {
        let client = try RealServer("everything").ready()
        let tool = try #require(try await client.listTools().first { $0.name == "get-structured-content" })
        #expect(tool.title == "Get Structured Content Tool" && tool.description?.isEmpty == false)
        #expect(tool.outputSchema?["properties"]?["temperature"]?["type"]?.string == "number")
        #expect(tool.annotations?.kind == tool.json["annotations"]?.kind && tool.meta?.kind == tool.json["_meta"]?.kind)
    }

    @Test func pagesAreFetchedSeparately() async throws {
        let client = try RealServer("features-fastmcp4").ready()
        let first = try await client.listToolsPage()
        #expect(first.elements.count == 2 && first.json["tools"]?.count == 2)
        let second = try await client.listToolsPage(cursor: try #require(first.nextCursor))
        let names = try await client.listTools().map(\.name)
        #expect((first.elements + second.elements).map(\.name) == Array(names.prefix(4)))
        var pages = 2
        var cursor = second.nextCursor
        while let next = cursor {
            cursor = try await client.listToolsPage(cursor: next).nextCursor
            pages += 1
        }
        #expect(pages == (names.count + 1) / 2)
        try await failure(.invalidArgument) { try await client.listToolsPage(cursor: "a\0b") }
    }

    /// Iteration fetches only the pages that it needs; listing all pages at once has a limit.
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func endlessPagesAreLimited(_ version: String) async throws {
        let tool = #"{"name":"one","inputSchema":{"type":"object"}}"#
        let page = #"{"tools":[\#(tool),\#(tool)],"nextCursor":"'$((n += 1))'","ttlMs":0,"cacheScope":"private"}"#
        let server = try StdioServer(version, [(method("tools/list"), "respond '\(page)'")])
        let client = try server.client()
        _ = client.tools()
        var seen = 0
        for try await _ in client.tools() {
            seen += 1
            if seen == 5 { break }
        }
        #expect(try server.received("tools/list").map { $0.pointer("/params/cursor")?.string } == [nil, "1", "2"])
        try await failure(.endless) { try await client.listTools() }
        try await client.close()
    }

    /// All pages have the same cursor, or two cursors alternate.
    @Test(arguments: [("", 2), ("0", 2), ("'$((n = !n))'", 3)])
    func repeatedCursorEndsList(_ cursor: String, _ pages: Int) async throws {
        let page = #"{"prompts":[{"name":"'$((m += 1))'"}],"nextCursor":"\#(cursor)"}"#
        let server = try StdioServer("2025-11-25", [(method("prompts/list"), "respond '\(page)'")])
        let client = try server.client()
        var seen: [String] = []
        for try await prompt in client.prompts() {
            seen.append(prompt.name)
        }
        #expect(seen == (1...pages).map(String.init))
        #expect(try await client.listPrompts().count == pages)
        try await client.close()
    }

    @Test func failedPageEndsIteration() async throws {
        let server = try StdioServer(
            "2025-11-25",
            [
                (#""cursor":"#, #"send '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32603,"message":"torn"}}'"#),
                (method("prompts/list"), #"respond '{"prompts":[{"name":"one"}],"nextCursor":"2"}'"#),
            ])
        let client = try server.client()
        var prompts = client.prompts().makeAsyncIterator()
        #expect(try await prompts.next()?.name == "one")
        try await failure(.rpcError) { try await prompts.next() }
        #expect(try await prompts.next() == nil)
        #expect(try server.received("prompts/list").count == 2)

        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            for try await _ in client.prompts() {}
        }
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(try server.received("prompts/list").count == 2)
    }

    @Test(arguments: ["everything", "everything-sse"]) func toolsAreCalled(_ name: String) async throws {
        struct Numbers: Encodable {
            var a: Int
            var b: Double
        }
        struct Weather: Decodable {
            var temperature: Double
            var conditions: String
        }
        let client = try RealServer(name).ready()
        let word = "ü\"😀\\\u{1}"
        #expect(try await client.callTool("echo", arguments: ["message": word]).text == "Echo: \(word)")
        #expect(try await client.callTool("echo", arguments: ["message": "\(word)"] as JSON).text == "Echo: \(word)")
        #expect(try await client.callTool("get-sum", arguments: Numbers(a: 2, b: 0.5)).text.contains("2.5"))
        #expect(try await client.callTool("get-sum", arguments: ["a": 40, "b": 2]).text.contains("42"))
        let parsed = try JSON(parsing: #"{"a": 1, "b": 2}"#)
        #expect(try await client.callTool("get-sum", arguments: parsed, timeout: .seconds(20)).text.contains("3"))

        let mixed: ToolResult = try await client.callTool(
            "get-annotated-message", arguments: ["messageType": "error", "includeImage": true])
        #expect(mixed.content.map { $0["type"]?.string } == ["text", "image"])
        let weather = try await client.callTool("get-structured-content", arguments: ["location": "Chicago"])
        let decoded = try #require(try weather.structuredContent?.decode(Weather.self))
        #expect(!decoded.conditions.isEmpty && weather.meta == nil && weather.json["content"]?.count == 1)

        let image = try #require(
            try await client.callTool("get-tiny-image").content.first { $0["type"]?.string == "image" })
        #expect(image["data"]?.base64?.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    }

    @Test func failedToolsThrowToolError() async throws {
        let client = try RealServer("everything").ready()
        let error = try await toolError { try await client.callTool("get-sum", arguments: ["a": "no number"]) }
        #expect(error.result.isError && error.result.text == error.description && !error.description.isEmpty)
        #expect(error.localizedDescription == error.description)
        let fast = try RealServer("features-fastmcp4").ready()
        let other = try await toolError { try await fast.callToolAsTask("fail", arguments: ["why": "no luck"]) }
        #expect(other.description.contains("no luck"))
        try await onThread {
            #expect(throws: ToolError.self) { try fast.blocking.callTool("fail", arguments: ["why": "no luck"]) }
        }
    }

    @Test func invalidArgumentsAreRejected() async throws {
        let tag = newTag()
        let client = try Scripted.client("modern+tag=\(tag)")
        try await client.ping()
        let sent = try await Scripted.log(tag).count
        for arguments: JSON in [[1], "text", 1, 1.5, true, .null] {
            try await failure(.invalidArgument) { try await client.callTool("echo", arguments: arguments) }
        }
        try await failure(.invalidArgument) { try await client.callTool("echo", arguments: [1, 2]) }
        try await failure(.invalidArgument) { try await client.callTool("a\0b") }
        try await failure(.invalidArgument) { try await client.callToolAsTask("a\0b") }
        await #expect(throws: EncodingError.self) { try await client.callTool("echo", arguments: ["a": Double.nan]) }
        #expect(try await Scripted.log(tag).filter { $0["rpc_method"]?.string == "tools/call" }.isEmpty)
        #expect(sent > 0)
        #expect(try await client.callTool("echo", arguments: ["text": "on"]).text == "on")
    }
}

/// Returns the `ToolError` that `body` throws.
func toolError<Value>(_ body: () async throws -> Value) async throws -> ToolError {
    do {
        _ = try await body()
    } catch let error as ToolError {
        return error
    }
    throw MissingError()
}

struct MissingError: Error {}
