import Foundation

/// Receives progress notifications from the library, and returns whether the call continues.
typealias ProgressSink = @Sendable (_ update: ProgressUpdate) -> Bool

/// The progress closure of a call, and the error that it threw.
final class ProgressReceiver: @unchecked Sendable {
    private let closure: ProgressClosure
    private let lock = NSLock()
    private var thrown: (any Error)?

    init(_ closure: @escaping ProgressClosure) {
        self.closure = closure
    }

    /// Returns whether the call continues.
    func receive(_ update: ProgressUpdate) -> Bool {
        do {
            try closure(update)
            return true
        } catch {
            lock.withLock { thrown = error }
            return false
        }
    }

    var hasThrown: Bool {
        lock.withLock { thrown != nil }
    }

    /// The error of the call, with the error of the closure if that has ended it.
    func explained(_ error: MCPError) -> MCPError {
        guard error.status == .cancelled, let thrown = lock.withLock({ thrown }) else { return error }
        return error.caused(by: thrown)
    }
}

/// Runs the progress closure of an asynchronous call as a task, in order: on the thread that delivers results, it would
/// delay other calls.
struct ProgressDelivery: Sendable {
    /// Ends the call when the closure has thrown an error.
    let cancelToken: CancelToken

    private let receiver: ProgressReceiver
    private let updates: AsyncStream<ProgressUpdate>.Continuation
    private let end: AsyncStream<Void>
    private let task: Task<Void, Never>

    init(_ progress: @escaping ProgressClosure) {
        let (cancelToken, receiver) = (CancelToken(), ProgressReceiver(progress))
        let (received, updates) = AsyncStream<ProgressUpdate>.makeStream()
        let (end, ended) = AsyncStream<Void>.makeStream()
        task = Task(executorPreference: ClosureExecutor.shared) {
            for await update in received where !receiver.receive(update) {
                cancelToken.trigger()
                break
            }
            ended.finish()
        }
        self.cancelToken = cancelToken
        self.receiver = receiver
        self.updates = updates
        self.end = end
    }

    /// Keeps an update for the closure.
    var add: ProgressSink {
        { [updates] update in
            updates.yield(update)
            return true
        }
    }

    /// Waits until the closure has received all updates of a call that has succeeded, or the current task is cancelled.
    /// Throws if the closure has thrown an error.
    func finish() async throws(MCPError) {
        updates.finish()
        for await _ in end {}
        if receiver.hasThrown {
            throw receiver.explained(MCPError(.cancelled, "the progress closure ended the call"))
        }
    }

    /// Drops updates that the closure has not received yet. Returns the error of the call, with the error of the
    /// closure if that has ended it.
    func fail(_ error: MCPError) -> MCPError {
        task.cancel()
        return receiver.explained(error)
    }
}
