/// What a call brings, one after the other. The call is cancelled when nobody wants more.
func stream<Element: Sendable>(
    _ call: @escaping @Sendable (_ receive: @escaping @Sendable (Element) -> Void) async throws -> Void
) -> AsyncThrowingStream<Element, any Error> {
    AsyncThrowingStream { continuation in
        let task = Task {
            do {
                try await call { continuation.yield($0) }
                continuation.finish()
            } catch {
                // Only the end of the stream cancels this task, before the stream itself has noted its end: it would take what
                // the cancelled call throws for an error of its own.
                continuation.finish(throwing: Task.isCancelled ? nil : error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
    }
}
