/// What comes of a tool while it works.
public enum ToolEvent: Sendable {
    /// How far it has come.
    case progress(ProgressUpdate)
    /// What it has to say in the end: the last event.
    case result(ToolResult)
}

extension Client {
    /// Calls a tool as `callTool` does, now, and tells how far it has come while it works.
    ///
    ///     for try await event in client.toolEvents("index") {
    ///         switch event {
    ///         case .progress(let update): print(update.progress)
    ///         case .result(let result): print(result.text)
    ///         }
    ///     }
    ///
    /// The call is cancelled when the task that goes through the events is, and when nobody goes through them any more;
    /// then there is no result. What `callTool` throws, the events end with.
    public func toolEvents(
        _ name: String, arguments: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) -> AsyncThrowingStream<ToolEvent, any Error> {
        stream { receive in
            var withProgress = options
            withProgress.progress = { update in
                options.progress?(update)
                receive(.progress(update))
            }
            let result = try await self.callTool(
                name, arguments: arguments, timeout: timeout, idleTimeout: idleTimeout, options: withProgress)
            receive(.result(result))
        }
    }
}
