// Prompts and argument completion.
extension Client {
    /// Lists all prompts of the server, from all pages.
    ///
    /// - Throws: ``MCPError/Status/endless`` if the pages do not end, ``MCPError/Status/tooLarge`` if all pages
    ///   together exceed the message limit.
    public func listPrompts(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> [Prompt] {
        try await run(Calls.list(), timeout, idleTimeout, options)
    }

    /// The server's prompts, as a sequence that fetches one page at a time during iteration. `timeout`, `idleTimeout`
    /// and `options` apply to each page's call.
    public func prompts(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) -> Listing<Prompt> {
        Listing { try await self.run(Calls.listPage($0), timeout, idleTimeout, options) }
    }

    /// Lists one page of the server's prompts: the first page if `cursor` is nil, else the page after the one with this
    /// ``Page/nextCursor``.
    public func listPromptsPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> Page<Prompt> {
        try await run(Calls.listPage(cursor), timeout, idleTimeout, options)
    }

    /// Gets a prompt with its arguments filled in.
    public func getPrompt(
        _ name: String, arguments: [String: String] = [:], timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> GetPromptResult {
        try await run(Calls.getPrompt(name, arguments), timeout, idleTimeout, options)
    }

    /// Requests values for an argument of a prompt that begin with `value` (specification 2026-07-28, "Completion").
    /// `context` holds the arguments that already have a value.
    public func completePrompt(
        _ prompt: String, argument: String, value: String, context: [String: String] = [:], timeout: Duration? = nil,
        idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Completion {
        try await run(Calls.completePrompt(prompt, argument, value, context), timeout, idleTimeout, options)
    }

    /// Requests values for a variable of a resource template that begin with `value` (specification 2026-07-28,
    /// "Completion"). `context` holds the variables that already have a value.
    public func completeResource(
        _ uriTemplate: String, argument: String, value: String, context: [String: String] = [:],
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Completion {
        try await run(Calls.completeResource(uriTemplate, argument, value, context), timeout, idleTimeout, options)
    }
}
