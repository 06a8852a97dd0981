// Prompts, and the completion of arguments.
extension Client {
    /// Lists all of the server's prompts, of all pages together.
    ///
    /// - Throws: ``MCPError/Status/endless`` for pages that lead on and on, ``MCPError/Status/tooLarge`` where all
    ///   pages together are larger than the limit of a message.
    public func listPrompts(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> [Prompt] {
        try await run(Calls.list(), timeout, idleTimeout, options)
    }

    /// The server's prompts, page after page while somebody goes through them. The options are those of each page's
    /// call.
    public func prompts(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) -> Listing<Prompt> {
        Listing { try await self.run(Calls.listPage($0), timeout, idleTimeout, options) }
    }

    /// Lists one page of the server's prompts: the first one where `cursor` is nil, and the one after another for that
    /// one's ``Page/nextCursor``.
    public func listPromptsPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Page<Prompt> {
        try await run(Calls.listPage(cursor), timeout, idleTimeout, options)
    }

    /// Gets a prompt, with its arguments filled in.
    public func getPrompt(
        _ name: String, arguments: [String: String] = [:], timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> GetPromptResult {
        try await run(Calls.getPrompt(name, arguments), timeout, idleTimeout, options)
    }

    /// Asks what may stand for an argument of a prompt that begins with `value` (specification 2026-07-28,
    /// "Completion"). The `context` are the arguments that are known already.
    public func completePrompt(
        _ prompt: String, argument: String, value: String, context: [String: String] = [:], timeout: Duration? = nil,
        idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Completion {
        try await run(Calls.completePrompt(prompt, argument, value, context), timeout, idleTimeout, options)
    }

    /// As ``completePrompt(_:argument:value:context:timeout:idleTimeout:options:)``, for an argument of a resource
    /// template.
    public func completeResource(
        _ uriTemplate: String, argument: String, value: String, context: [String: String] = [:],
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Completion {
        try await run(Calls.completeResource(uriTemplate, argument, value, context), timeout, idleTimeout, options)
    }
}
