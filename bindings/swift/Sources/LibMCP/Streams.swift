/// The elements that a call produces, as a sequence. The call is cancelled when the sequence is no longer iterated.
func stream<Element: Sendable>(
    _ call: @escaping @Sendable (_ receive: @escaping @Sendable (Element) -> Void) async throws -> Void
) -> AsyncThrowingStream<Element, any Error> {
    AsyncThrowingStream { continuation in
        let task = Task {
            do {
                try await call { continuation.yield($0) }
                continuation.finish()
            } catch {
                // Only `onTermination` cancels this task, and it runs before the stream is marked as finished: without
                // this check, the stream could throw the error of the cancelled call.
                continuation.finish(throwing: Task.isCancelled ? nil : error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
    }
}
