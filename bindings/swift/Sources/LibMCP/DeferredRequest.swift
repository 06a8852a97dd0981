import CMCP
import Foundation

/// A request of the C API that a task answers after its callback has returned: an `mcp_input`, an `mcp_auth_request` or
/// an `mcp_oauth_request`.
final class DeferredRequest: @unchecked Sendable {
    /// Sets the answer of a request. An error that it throws is the answer instead.
    typealias Answer = @Sendable (_ request: OpaquePointer) throws -> Void

    private let kind: Kind
    /// Guards the properties below.
    private let lock = NSLock()
    /// nil once the request was answered, and freed.
    private var pointer: OpaquePointer?
    private var task: Task<Void, Never>?
    private var isOver = false

    private init(_ pointer: OpaquePointer, _ kind: Kind) {
        self.pointer = pointer
        self.kind = kind
    }

    /// Defers a request in its callback, and runs `body` as a task, which returns the answer. The task is cancelled
    /// when the answer is no longer needed; the library then ignores it.
    static func answer(
        _ pointer: OpaquePointer, _ kind: Kind, _ body: @escaping @Sendable (DeferredRequest) async throws -> Answer
    ) {
        guard kind.postpone(pointer, nil) == MCP_OK else { return }
        let request = DeferredRequest(pointer, kind)
        _ = kind.setOver(pointer, overTrampoline, retainedForLibrary(request), releaseOver, nil)
        request.start {
            do {
                let answer = try await body(request)
                request.end(answer)
            } catch {
                request.end { _ in throw error }
            }
        }
    }

    /// Calls `body` with the request; returns nil if it was answered.
    func use<Result>(_ body: (OpaquePointer) -> Result) -> Result? {
        lock.withLock { pointer.map(body) }
    }

    private func start(_ body: @escaping @Sendable () async -> Void) {
        let task = Task(executorPreference: ClosureExecutor.shared) { await body() }
        let isOver = lock.withLock {
            self.task = task
            return self.isOver
        }
        if isOver {
            task.cancel()
        }
    }

    fileprivate func cancel() {
        let task = lock.withLock {
            isOver = true
            return self.task
        }
        if let task {
            // Not on this thread, which delivers the results of all calls: the application's cancellation handlers run
            // in `cancel`, and may block. URLSession's can (swift-corelibs-foundation 6.0).
            ClosureExecutor.run { task.cancel() }
        }
    }

    private func end(_ answer: Answer) {
        let pointer = lock.withLock {
            defer { self.pointer = nil }
            return self.pointer
        }
        guard let pointer else { return }
        // The status of the C functions says whether the answer was in time. If not, it is not needed.
        do {
            try answer(pointer)
        } catch {
            kind.fail(pointer, error)
        }
        kind.free(pointer)
    }
}

extension DeferredRequest {
    /// The functions of the C API for a kind of request.
    struct Kind: Sendable {
        typealias SetOver = @Sendable (
            OpaquePointer?, mcp_over_fn?, UnsafeMutableRawPointer?, mcp_destroy_fn?, ErrorOut?
        ) -> mcp_status

        let postpone: @Sendable (OpaquePointer?, ErrorOut?) -> mcp_status
        let setOver: SetOver
        let fail: @Sendable (OpaquePointer, any Error) -> Void
        let free: @Sendable (OpaquePointer?) -> Void
    }
}

/// The answer is no longer needed: no call waits for it any more, or its time has passed.
private func overTrampoline(_ userdata: UnsafeMutableRawPointer?, _ status: Int32) {
    guard let userdata else { return }
    let request: DeferredRequest = objectOfLibrary(userdata)
    request.cancel()
}

/// The library releases the callback after the task has answered, and when a login has ended in another way: then the
/// task is still running.
private func releaseOver(_ userdata: UnsafeMutableRawPointer?) {
    overTrampoline(userdata, 0)
    releaseBox(userdata)
}
