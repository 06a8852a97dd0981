// Tools, and tasks: tools that take their time.
extension Client.Blocking {
    /// As ``Client/listTools(timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listTools()")
    public func listTools(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> [Tool] {
        try run(Calls.list(), timeout, idleTimeout, cancel, options)
    }

    /// As ``Client/listToolsPage(cursor:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listToolsPage()")
    public func listToolsPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> Page<Tool> {
        try run(Calls.listPage(cursor), timeout, idleTimeout, cancel, options)
    }

    /// As `callTool` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.callTool()")
    @discardableResult
    public func callTool(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws -> ToolResult {
        try run(Calls.callTool(name, arguments), timeout, idleTimeout, cancel, options).successful()
    }

    /// As `callTool` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.callTool()")
    @discardableResult
    public func callTool(
        _ name: String, arguments: some Encodable, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws -> ToolResult {
        try run(Calls.callTool(name, JSON(encoding: arguments)), timeout, idleTimeout, cancel, options).successful()
    }

    /// As `startTool` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.startTool()")
    public func startTool(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws -> StartedTool {
        try run(Calls.startTool(name, arguments), timeout, idleTimeout, cancel, options).successful()
    }

    /// As `startTool` of ``Client``.
    @available(*, noasync, message: "it blocks the thread; use await client.startTool()")
    public func startTool(
        _ name: String, arguments: some Encodable, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws -> StartedTool {
        try run(Calls.startTool(name, JSON(encoding: arguments)), timeout, idleTimeout, cancel, options).successful()
    }

    /// As ``Client/getTask(_:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.getTask()")
    public func getTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> ToolTask {
        try run(Calls.getTask(id), timeout, idleTimeout, cancel, options)
    }

    /// As ``Client/updateTask(_:responses:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.updateTask()")
    public func updateTask(
        _ id: String, responses: JSON, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws(MCPError) {
        try run(Calls.updateTask(id, responses), timeout, idleTimeout, cancel, options)
    }

    /// As ``Client/cancelTask(_:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.cancelTask()")
    public func cancelTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) {
        try run(Calls.cancelTask(id), timeout, idleTimeout, cancel, options)
    }

    /// As ``Client/waitTask(_:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.waitTask()")
    public func waitTask(
        _ id: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws -> ToolResult {
        try run(Calls.waitTask(id), timeout, idleTimeout, cancel, options).successful()
    }
}
