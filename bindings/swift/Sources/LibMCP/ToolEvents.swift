/// An event of a running tool call.
public enum ToolEvent: Sendable {
    /// A progress notification.
    case progress(ProgressUpdate)
    /// The tool's result: the last event.
    case result(ToolResult)
}

extension Client {
    /// Calls a tool, and returns its progress notifications and its result as a sequence. The call starts at once, not
    /// with the first iteration.
    ///
    ///     for try await event in client.toolEvents("index") {
    ///         switch event {
    ///         case .progress(let update): print(update.progress)
    ///         case .result(let result): print(result.text)
    ///         }
    ///     }
    ///
    /// The call is cancelled when the iterating task is cancelled, or when iteration stops; there is no result then.
    /// The sequence throws the errors of `callTool`.
    public func toolEvents(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) -> AsyncThrowingStream<ToolEvent, any Error> {
        stream { receive in
            var withProgress = options
            withProgress.progress = { update in
                try options.progress?(update)
                receive(.progress(update))
            }
            let result = try await self.callTool(
                name, arguments: arguments, timeout: timeout, idleTimeout: idleTimeout, options: withProgress)
            receive(.result(result))
        }
    }
}
