// Tools, and tasks: tools that take their time.
extension Client {
    /// Lists all of the server's tools, of all pages together. A tool whose schema breaks the rules for headers is left
    /// out, with a line in the log, as the specification wants it.
    ///
    /// - Throws: ``MCPError/Status/endless`` for pages that lead on and on, ``MCPError/Status/tooLarge`` where all
    ///   pages together are larger than the limit of a message.
    public func listTools(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> [Tool] {
        try await run(Calls.list(), timeout, idleTimeout, options)
    }

    /// The server's tools, page after page while somebody goes through them. The options are those of each page's call.
    public func tools(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) -> Listing<Tool> {
        Listing { try await self.run(Calls.listPage($0), timeout, idleTimeout, options) }
    }

    /// Lists one page of the server's tools: the first one where `cursor` is nil, and the one after another for that
    /// one's ``Page/nextCursor``.
    public func listToolsPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Page<Tool> {
        try await run(Calls.listPage(cursor), timeout, idleTimeout, options)
    }

    /// Calls a tool.
    ///
    ///     let sum = try await client.callTool("get-sum", arguments: ["a": 1, "b": 2])
    ///     print(sum.text)
    ///
    /// A tool is never called twice: where it is not known whether the server has executed the call, it is not sent
    /// again. While it waits, handlers that are set may be asked for input.
    ///
    /// The arguments are an object; nil means none.
    ///
    /// - Throws: ``ToolError``, with the result in it, where the tool says that it failed.
    @discardableResult
    public func callTool(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> ToolResult {
        try await run(Calls.callTool(name, arguments), timeout, idleTimeout, options).successful()
    }

    /// Calls a tool with what encodes as a JSON object, such as a structure or a dictionary.
    ///
    /// - Throws: ``ToolError``, with the result in it, where the tool says that it failed; `EncodingError`.
    @discardableResult
    public func callTool(
        _ name: String, arguments: some Encodable, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> ToolResult {
        try await run(Calls.callTool(name, JSON(encoding: arguments)), timeout, idleTimeout, options).successful()
    }

    /// Calls a tool as `callTool` does, and takes a task for an answer, too: work that goes on at the server while
    /// nobody waits. On modern servers the server decides; on those of 2025-11-25 a tool that can be a task becomes one
    /// (specification 2025-11-25, "Tasks"); on older ones there are none.
    ///
    /// - Throws: ``ToolError`` where the tool has ended already, and says that it failed.
    public func startTool(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StartedTool {
        try await run(Calls.startTool(name, arguments), timeout, idleTimeout, options).successful()
    }

    /// Starts a tool with what encodes as a JSON object, such as a structure or a dictionary.
    ///
    /// - Throws: ``ToolError`` where the tool has ended already, and says that it failed; `EncodingError`.
    public func startTool(
        _ name: String, arguments: some Encodable, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StartedTool {
        try await run(Calls.startTool(name, JSON(encoding: arguments)), timeout, idleTimeout, options).successful()
    }

    /// Asks how a task stands.
    public func getTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> ToolTask {
        try await run(Calls.getTask(id), timeout, idleTimeout, options)
    }

    /// Gives a task of a modern server inputs that it asks for: an object with a result under each key of its
    /// ``ToolTask/inputRequests``. ``waitTask(_:timeout:idleTimeout:options:)`` does that by itself.
    public func updateTask(
        _ id: String, responses: JSON, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.updateTask(id, responses), timeout, idleTimeout, options)
    }

    /// Asks the server to end a task. It may end it, or finish it first.
    public func cancelTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.cancelTask(id), timeout, idleTimeout, options)
    }

    /// Waits until a task has ended, and gives the result of the tool. It asks as often as the server wants; what the
    /// task asks for, the handlers that are set give. ``CallOptions/progress`` is told each new
    /// ``ToolTask/statusMessage``, with the number of such messages as the progress. When the call is cancelled or
    /// times out, the task goes on.
    ///
    /// - Throws: ``MCPError/Status/rpcError`` for a task that failed, ``MCPError/Status/taskCancelled`` for one that
    ///   was cancelled, ``ToolError`` where the tool says that it failed.
    public func waitTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> ToolResult {
        try await run(Calls.waitTask(id), timeout, idleTimeout, options).successful()
    }
}
