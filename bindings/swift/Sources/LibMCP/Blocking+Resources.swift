// Resources.
extension Client.Blocking {
    /// Lists all resources of the server; blocks until all pages are fetched. Results and errors:
    /// ``Client/listResources(timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listResources()")
    public func listResources(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> [Resource] {
        try run(Calls.list(), timeout, idleTimeout, cancel, options)
    }

    /// Lists one page of the server's resources; blocks until it is fetched. Results and errors:
    /// ``Client/listResourcesPage(cursor:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listResourcesPage()")
    public func listResourcesPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> Page<Resource> {
        try run(Calls.listPage(cursor), timeout, idleTimeout, cancel, options)
    }

    /// Lists all resource templates of the server; blocks until all pages are fetched. Results and errors:
    /// ``Client/listResourceTemplates(timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listResourceTemplates()")
    public func listResourceTemplates(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> [ResourceTemplate] {
        try run(Calls.list(), timeout, idleTimeout, cancel, options)
    }

    /// Lists one page of the server's resource templates; blocks until it is fetched. Results and errors:
    /// ``Client/listResourceTemplatesPage(cursor:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listResourceTemplatesPage()")
    public func listResourceTemplatesPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> Page<ResourceTemplate> {
        try run(Calls.listPage(cursor), timeout, idleTimeout, cancel, options)
    }

    /// Reads a resource; blocks until the server responds. Results and errors:
    /// ``Client/readResource(_:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.readResource()")
    public func readResource(
        _ uri: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> ReadResourceResult {
        try run(Calls.readResource(uri), timeout, idleTimeout, cancel, options)
    }
}
