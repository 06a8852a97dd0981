// Running the application's closures, which the C API calls back on its threads.

import Foundation

extension Client {
    /// The clients with a call that waits for the closure running now. Another call on them would deadlock.
    @TaskLocal static var waiting: Set<ObjectIdentifier> = []

    /// The call that runs on this thread; nil on a reader thread of the library.
    @TaskLocal static var call: CallInFlight?

    func rejectReentrantCall() throws(MCPError) {
        if Client.waiting.contains(ObjectIdentifier(self)) {
            throw MCPError(.misuse, "a closure that a client waits for cannot make calls on the same client: deadlock")
        }
    }
}

/// A call in progress, and the task of the input handler that it waits for.
final class CallInFlight: @unchecked Sendable {
    private let lock = NSLock()
    private var isCancelled = false
    private var handler: Task<Void, Never>?

    func setHandler(_ task: Task<Void, Never>) {
        lock.withLock {
            handler = task
            if isCancelled { task.cancel() }
        }
    }

    func cancel() {
        lock.withLock {
            isCancelled = true
            handler?.cancel()
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
    call?.setHandler(task)
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
