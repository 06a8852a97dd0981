// Running the application's closures, which the C API calls back on its threads.

import Foundation

extension Client {
    /// The clients and the OAuth objects whose closure runs in this task, while calls of the clients wait for it. A
    /// further call on them, and on the clients of the OAuth objects, would wait for itself.
    @TaskLocal static var waiting: Set<ObjectIdentifier> = []

    /// Runs `body`, for which calls of a client, or of the clients of an OAuth object, wait.
    static func withWaiting<Result>(
        _ owner: ObjectIdentifier, _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await $waiting.withValue(waiting.union([owner])) { try await body() }
    }

    func rejectReentrantCall() throws(MCPError) {
        if isAwaited {
            throw MCPError(.misuse, "a closure that a client waits for cannot make calls on the same client: deadlock")
        }
    }
}

/// Runs the application's closures as tasks on threads of Dispatch: a closure that blocks its thread occupies none of
/// Swift's cooperative pool, and a closure makes progress while that pool is fully occupied.
final class ClosureExecutor: TaskExecutor {
    static let shared = ClosureExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Self.run { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Runs `body` on a thread of Dispatch.
    static func run(_ body: @escaping @Sendable () -> Void) {
        // A serial queue does not wait until other blocks of the process leave a processor free.
        DispatchQueue(label: "libmcp.closure").async(execute: body)
    }
}

/// Runs `body` as a task, and blocks the thread of the library until it has finished: for callbacks that the C API
/// cannot defer. `owner` is the object whose calls wait for it.
func runBlocking<Value: Sendable>(
    within owner: ObjectIdentifier, _ body: @escaping @Sendable () async throws -> Value
) throws -> Value {
    let pending = PendingResult<Value>()
    Task(executorPreference: ClosureExecutor.shared) {
        do {
            pending.set(.success(try await Client.withWaiting(owner, body)))
        } catch {
            pending.set(.failure(error))
        }
    }
    return try pending.wait().get()
}

/// A result that a thread can wait for.
private final class PendingResult<Value: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var result: Result<Value, any Error>?

    func set(_ result: Result<Value, any Error>) {
        condition.lock()
        self.result = result
        condition.signal()
        condition.unlock()
    }

    func wait() -> Result<Value, any Error> {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result { return result }
            condition.wait()
        }
    }
}

/// The description of an error that the application threw. A NUL is replaced, because C would end the string there.
func errorText(_ error: any Error) -> String {
    let text = (error as? any LocalizedError)?.errorDescription ?? String(describing: error)
    return text.replacing("\0", with: "\u{FFFD}")
}
