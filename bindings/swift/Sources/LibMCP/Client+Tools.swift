import Foundation

// Tools and tasks (long-running tool calls).
extension Client {
    /// Lists all tools of the server, from all pages.
    ///
    /// A tool whose schema violates the specification's rules for header parameters is left out, and a warning is
    /// logged.
    ///
    /// - Throws: ``MCPError/Status/endless`` if the pages do not end, ``MCPError/Status/tooLarge`` if all pages
    ///   together exceed the message limit.
    public func listTools(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> [Tool] {
        try await run(Calls.list(), timeout, idleTimeout, options)
    }

    /// The server's tools, as a sequence that fetches one page at a time during iteration. `timeout`, `idleTimeout` and
    /// `options` apply to each page's call.
    public func tools(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) -> Listing<Tool> {
        Listing { try await self.run(Calls.listPage($0), timeout, idleTimeout, options) }
    }

    /// Lists one page of the server's tools: the first page if `cursor` is nil, else the page after the one with this
    /// ``Page/nextCursor``.
    public func listToolsPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Page<Tool> {
        try await run(Calls.listPage(cursor), timeout, idleTimeout, options)
    }

    /// Calls a tool and returns its result.
    ///
    ///     let sum = try await client.callTool("get-sum", arguments: ["a": 1, "b": 2])
    ///     print(sum.text)
    ///
    /// The arguments are an object; nil means none. The call is never sent twice: if it is unknown whether the server
    /// has executed it, it is not sent again. While it waits, the server may request input from the client's handlers.
    ///
    /// - Throws: ``ToolError``, with the result in it, if the tool reports that it failed.
    @discardableResult
    public func callTool(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> ToolResult {
        try await run(Calls.callTool(name, arguments), timeout, idleTimeout, options).successful()
    }

    /// Calls a tool with arguments that encode as a JSON object, such as a structure or a dictionary, and returns its
    /// result.
    ///
    /// - Throws: ``ToolError``, with the result in it, if the tool reports that it failed; `EncodingError`.
    @discardableResult
    public func callTool(
        _ name: String, arguments: some Encodable, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> ToolResult {
        try await run(Calls.callTool(name, JSON(encoding: arguments)), timeout, idleTimeout, options).successful()
    }

    /// Calls a tool and decodes its result: the structured content, or if there is none, the text as JSON.
    ///
    ///     struct Weather: Decodable {
    ///         var temperature: Double
    ///     }
    ///     let weather = try await client.callTool("weather", arguments: ["city": "Rome"], as: Weather.self)
    ///
    /// - Throws: ``ToolError`` if the tool reports that it failed; the errors of ``ToolResult/decode(_:using:)``.
    public func callTool<Value: Decodable>(
        _ name: String, arguments: JSON? = nil, as type: Value.Type, using decoder: JSONDecoder = JSONDecoder(),
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Value {
        try await callTool(name, arguments: arguments, timeout: timeout, idleTimeout: idleTimeout, options: options)
            .decode(type, using: decoder)
    }

    /// Calls a tool with arguments that encode as a JSON object, such as a structure or a dictionary, and decodes its
    /// result: the structured content, or if there is none, the text as JSON.
    ///
    /// - Throws: ``ToolError`` if the tool reports that it failed; `EncodingError`; the errors of
    ///   ``ToolResult/decode(_:using:)``.
    public func callTool<Value: Decodable>(
        _ name: String, arguments: some Encodable, as type: Value.Type, using decoder: JSONDecoder = JSONDecoder(),
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Value {
        try await callTool(name, arguments: arguments, timeout: timeout, idleTimeout: idleTimeout, options: options)
            .decode(type, using: decoder)
    }

    /// Calls a tool, and allows the server to run it as a task, which continues on the server without an open call.
    /// Modern servers decide that themselves; on servers of 2025-11-25, a tool that supports tasks becomes one
    /// (specification 2025-11-25, "Tasks"); older servers have no tasks.
    ///
    /// - Throws: ``ToolError`` if the tool has already ended and reports that it failed.
    public func callToolAsTask(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StartedTool {
        try await run(Calls.callToolAsTask(name, arguments), timeout, idleTimeout, options).successful()
    }

    /// Calls a tool with arguments that encode as a JSON object, such as a structure or a dictionary, and allows the
    /// server to run it as a task, which continues on the server without an open call.
    ///
    /// - Throws: ``ToolError`` if the tool has already ended and reports that it failed; `EncodingError`.
    public func callToolAsTask(
        _ name: String, arguments: some Encodable, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StartedTool {
        let call = try Calls.callToolAsTask(name, JSON(encoding: arguments))
        return try await run(call, timeout, idleTimeout, options).successful()
    }

    /// Gets the current state of a task.
    public func getTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> ToolTask {
        try await run(Calls.getTask(id), timeout, idleTimeout, options)
    }

    /// Sends inputs that a task of a modern server requests: an object with a result for each key of the task's
    /// ``ToolTask/inputRequests``. ``waitTask(_:timeout:idleTimeout:options:)`` does this with the client's handlers.
    public func updateTask(
        _ id: String, responses: JSON, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.updateTask(id, responses), timeout, idleTimeout, options)
    }

    /// Requests the cancellation of a task. The server may still complete it.
    public func cancelTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.cancelTask(id), timeout, idleTimeout, options)
    }

    /// Waits until a task has ended, and returns the tool's result. It polls as often as the server allows, and passes
    /// the task's input requests to the client's handlers. ``CallOptions/progress`` receives each new
    /// ``ToolTask/statusMessage``; its `progress` is the number of messages so far. If this call is cancelled or times
    /// out, the task continues.
    ///
    /// - Throws: ``MCPError/Status/rpcError`` if the task failed, ``MCPError/Status/taskCancelled`` if it was
    ///   cancelled, ``ToolError`` if the tool reports that it failed.
    public func waitTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> ToolResult {
        try await run(Calls.waitTask(id), timeout, idleTimeout, options).successful()
    }
}
