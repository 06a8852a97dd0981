// Prompts and argument completion.
extension Client.Blocking {
    /// Lists all prompts of the server; blocks until all pages are fetched. Results and errors:
    /// ``Client/listPrompts(timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listPrompts()")
    public func listPrompts(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> [Prompt] {
        try run(Calls.list(), timeout, idleTimeout, cancel, options)
    }

    /// Lists one page of the server's prompts; blocks until it is fetched. Results and errors:
    /// ``Client/listPromptsPage(cursor:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.listPromptsPage()")
    public func listPromptsPage(
        cursor: String? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> Page<Prompt> {
        try run(Calls.listPage(cursor), timeout, idleTimeout, cancel, options)
    }

    /// Gets a prompt with its arguments filled in; blocks until the server responds. Results and errors:
    /// ``Client/getPrompt(_:arguments:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.getPrompt()")
    public func getPrompt(
        _ name: String, arguments: [String: String] = [:], timeout: Duration? = nil, idleTimeout: Duration? = nil,
        cancel: CancelToken? = nil, options: CallOptions = CallOptions()
    ) throws(MCPError) -> GetPromptResult {
        try run(Calls.getPrompt(name, arguments), timeout, idleTimeout, cancel, options)
    }

    /// Requests completions for a prompt argument; blocks until the server responds. Results and errors:
    /// ``Client/completePrompt(_:argument:value:context:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.completePrompt()")
    public func completePrompt(
        _ prompt: String, argument: String, value: String, context: [String: String] = [:],
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> Completion {
        try run(Calls.completePrompt(prompt, argument, value, context), timeout, idleTimeout, cancel, options)
    }

    /// Requests completions for a variable of a resource template; blocks until the server responds. Results and
    /// errors: ``Client/completeResource(_:argument:value:context:timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.completeResource()")
    public func completeResource(
        _ uriTemplate: String, argument: String, value: String, context: [String: String] = [:],
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) -> Completion {
        try run(Calls.completeResource(uriTemplate, argument, value, context), timeout, idleTimeout, cancel, options)
    }
}
