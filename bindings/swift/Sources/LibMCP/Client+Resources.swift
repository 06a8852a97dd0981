// Resources.
extension Client {
    /// Lists all resources of the server, from all pages.
    ///
    /// - Throws: ``MCPError/Status/endless`` if the pages do not end, ``MCPError/Status/tooLarge`` if all pages
    ///   together exceed the message limit.
    public func listResources(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> [Resource] {
        try await run(Calls.list(), timeout, idleTimeout, options)
    }

    /// The server's resources, as a sequence that fetches one page at a time during iteration. `timeout`, `idleTimeout`
    /// and `options` apply to each page's call.
    public func resources(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) -> Listing<Resource> {
        Listing { try await self.run(Calls.listPage($0), timeout, idleTimeout, options) }
    }

    /// Lists one page of the server's resources: the first page if `cursor` is nil, else the page after the one with
    /// this ``Page/nextCursor``.
    public func listResourcesPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Page<Resource> {
        try await run(Calls.listPage(cursor), timeout, idleTimeout, options)
    }

    /// Lists all resource templates of the server, from all pages.
    ///
    /// - Throws: ``MCPError/Status/endless`` if the pages do not end, ``MCPError/Status/tooLarge`` if all pages
    ///   together exceed the message limit.
    public func listResourceTemplates(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> [ResourceTemplate] {
        try await run(Calls.list(), timeout, idleTimeout, options)
    }

    /// The server's resource templates, as a sequence that fetches one page at a time during iteration. `timeout`,
    /// `idleTimeout` and `options` apply to each page's call.
    public func resourceTemplates(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) -> Listing<ResourceTemplate> {
        Listing { try await self.run(Calls.listPage($0), timeout, idleTimeout, options) }
    }

    /// Lists one page of the server's resource templates: the first page if `cursor` is nil, else the page after the
    /// one with this ``Page/nextCursor``.
    public func listResourceTemplatesPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Page<ResourceTemplate> {
        try await run(Calls.listPage(cursor), timeout, idleTimeout, options)
    }

    /// Reads the contents of a resource.
    ///
    /// - Throws: ``MCPError/Status/rpcError`` if the resource does not exist, with the code -32602, or -32002 on
    ///   servers up to 2025-11-25.
    public func readResource(
        _ uri: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> ReadResourceResult {
        try await run(Calls.readResource(uri), timeout, idleTimeout, options)
    }
}
