// Resources.
extension Client {
    /// Lists all of the server's resources, of all pages together.
    ///
    /// - Throws: ``MCPError/Status/endless`` for pages that lead on and on, ``MCPError/Status/tooLarge`` where all
    ///   pages together are larger than the limit of a message.
    public func listResources(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> [Resource] {
        try await run(Calls.list(), timeout, idleTimeout, options)
    }

    /// The server's resources, page after page while somebody goes through them. The options are those of each page's
    /// call.
    public func resources(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) -> Listing<Resource> {
        Listing { try await self.run(Calls.listPage($0), timeout, idleTimeout, options) }
    }

    /// Lists one page of the server's resources: the first one where `cursor` is nil, and the one after another for
    /// that one's ``Page/nextCursor``.
    public func listResourcesPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Page<Resource> {
        try await run(Calls.listPage(cursor), timeout, idleTimeout, options)
    }

    /// Lists all of the server's resource templates, of all pages together.
    ///
    /// - Throws: ``MCPError/Status/endless`` for pages that lead on and on, ``MCPError/Status/tooLarge`` where all
    ///   pages together are larger than the limit of a message.
    public func listResourceTemplates(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> [ResourceTemplate] {
        try await run(Calls.list(), timeout, idleTimeout, options)
    }

    /// The server's resource templates, page after page while somebody goes through them. The options are those of each
    /// page's call.
    public func resourceTemplates(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) -> Listing<ResourceTemplate> {
        Listing { try await self.run(Calls.listPage($0), timeout, idleTimeout, options) }
    }

    /// Lists one page of the server's resource templates: the first one where `cursor` is nil, and the one after
    /// another for that one's ``Page/nextCursor``.
    public func listResourceTemplatesPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Page<ResourceTemplate> {
        try await run(Calls.listPage(cursor), timeout, idleTimeout, options)
    }

    /// Reads a resource.
    ///
    /// - Throws: ``MCPError/Status/rpcError`` for one that does not exist, with the code -32602, or -32002 on servers
    ///   up to 2025-11-25.
    public func readResource(
        _ uri: String, timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> ReadResourceResult {
        try await run(Calls.readResource(uri), timeout, idleTimeout, options)
    }
}
