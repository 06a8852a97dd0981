import Foundation

// Tools and tasks (long-running tool calls).
extension Client.Blocking {
    /// Lists all tools of the server; blocks until all pages are fetched. Results and errors:
    /// ``Client/listTools(timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listTools()")
    public func listTools(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> [Tool] {
        try run(Calls.list(), timeout, idleTimeout, cancel, options)
    }

    /// Lists one page of the server's tools; blocks until it is fetched. Results and errors:
    /// ``Client/listToolsPage(cursor:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listToolsPage()")
    public func listToolsPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> Page<Tool> {
        try run(Calls.listPage(cursor), timeout, idleTimeout, cancel, options)
    }

    /// Calls a tool; blocks until its result arrives. Results and errors: `callTool` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.callTool()")
    @discardableResult
    public func callTool(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws -> ToolResult {
        try run(Calls.callTool(name, arguments), timeout, idleTimeout, cancel, options).successful()
    }

    /// Calls a tool with arguments that encode as a JSON object; blocks until its result arrives. Results and errors:
    /// `callTool` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.callTool()")
    @discardableResult
    public func callTool(
        _ name: String, arguments: some Encodable, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws -> ToolResult {
        try run(Calls.callTool(name, JSON(encoding: arguments)), timeout, idleTimeout, cancel, options).successful()
    }

    /// Calls a tool and decodes its result; blocks until it arrives. Results and errors: `callTool` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.callTool()")
    public func callTool<Value: Decodable>(
        _ name: String, arguments: JSON? = nil, as type: Value.Type, using decoder: JSONDecoder = JSONDecoder(),
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws -> Value {
        try run(Calls.callTool(name, arguments), timeout, idleTimeout, cancel, options).successful()
            .decode(type, using: decoder)
    }

    /// Calls a tool with arguments that encode as a JSON object, and decodes its result; blocks until it arrives.
    /// Results and errors: `callTool` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.callTool()")
    public func callTool<Value: Decodable>(
        _ name: String, arguments: some Encodable, as type: Value.Type, using decoder: JSONDecoder = JSONDecoder(),
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws -> Value {
        try run(Calls.callTool(name, JSON(encoding: arguments)), timeout, idleTimeout, cancel, options).successful()
            .decode(type, using: decoder)
    }

    /// Starts a tool; blocks until the server responds with a task or a result. Results and errors: `callToolAsTask` of
    /// ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.callToolAsTask()")
    public func callToolAsTask(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws -> StartedTool {
        try run(Calls.callToolAsTask(name, arguments), timeout, idleTimeout, cancel, options).successful()
    }

    /// Starts a tool with arguments that encode as a JSON object; blocks until the server responds with a task or a
    /// result. Results and errors: `callToolAsTask` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.callToolAsTask()")
    public func callToolAsTask(
        _ name: String, arguments: some Encodable, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws -> StartedTool {
        let call = try Calls.callToolAsTask(name, JSON(encoding: arguments))
        return try run(call, timeout, idleTimeout, cancel, options).successful()
    }

    /// Gets the state of a task; blocks until the server responds. Results and errors:
    /// ``Client/getTask(_:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.getTask()")
    public func getTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> ToolTask {
        try run(Calls.getTask(id), timeout, idleTimeout, cancel, options)
    }

    /// Sends the inputs that a task of a modern server requests; blocks until the server responds. Results and errors:
    /// ``Client/updateTask(_:responses:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.updateTask()")
    public func updateTask(
        _ id: String, responses: JSON, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws(MCPError) {
        try run(Calls.updateTask(id, responses), timeout, idleTimeout, cancel, options)
    }

    /// Requests the cancellation of a task; blocks until the server responds. Results and errors:
    /// ``Client/cancelTask(_:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.cancelTask()")
    public func cancelTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) {
        try run(Calls.cancelTask(id), timeout, idleTimeout, cancel, options)
    }

    /// Blocks until a task has ended, and returns the tool's result. Results and errors:
    /// ``Client/waitTask(_:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.waitTask()")
    public func waitTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws -> ToolResult {
        try run(Calls.waitTask(id), timeout, idleTimeout, cancel, options).successful()
    }
}
