// Running the application's closures, which the C API calls back on its threads.

import Foundation

extension Client {
    /// The clients with a call that waits for the closure running now, and the OAuth objects whose closure it is.
    /// Another call on them, and on the clients of the OAuth objects, would deadlock.
    @TaskLocal static var waiting: Set<ObjectIdentifier> = []

    /// The call that runs on this thread; nil on a reader thread of the library.
    @TaskLocal static var call: CallInFlight?

    /// Runs `body`, which waits for a closure of a client or an OAuth object, or starts it.
    static func withWaiting<Result>(_ owner: ObjectIdentifier, _ body: () throws -> Result) rethrows -> Result {
        try $waiting.withValue(waiting.union([owner])) { try body() }
    }

    func rejectReentrantCall() throws(MCPError) {
        if isAwaited {
            throw MCPError(.misuse, "a closure that a client waits for cannot make calls on the same client: deadlock")
        }
    }
}

/// A call in progress, and the task of the closure that it waits for: an input handler or an open closure.
final class CallInFlight: @unchecked Sendable {
    private let lock = NSLock()
    private var hasEnded = false
    private var closure: Task<Void, Never>?

    /// Replaces the task. The previous one has finished, or its login has.
    func setClosure(_ task: Task<Void, Never>) {
        lock.withLock {
            closure?.cancel()
            closure = task
            if hasEnded { task.cancel() }
        }
    }

    /// The call has ended, or ends soon because it was cancelled.
    func end() {
        lock.withLock {
            hasEnded = true
            closure?.cancel()
        }
    }
}

/// Runs `body` as a task, blocks the thread until it has finished, and returns its result. The task is cancelled with
/// `call`.
func runBlocking<Value: Sendable>(
    within call: CallInFlight? = nil, _ body: @escaping @Sendable () async throws -> Value
) throws -> Value {
    let pending = PendingResult<Value>()
    let task = Task(executorPreference: CallThreads.executor) {
        do {
            pending.set(.success(try await body()))
        } catch {
            pending.set(.failure(error))
        }
    }
    call?.setClosure(task)
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
