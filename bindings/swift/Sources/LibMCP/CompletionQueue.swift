import CMCP
import Foundation

/// The completion queue of all asynchronous calls of the process, and the thread that delivers what they report.
///
/// The calls themselves run on threads of the library. The queue is never freed: a task may make a call at any time.
final class CompletionQueue: @unchecked Sendable {
    /// The calls that are sent at the same time; later ones wait. Each has a thread of the library.
    private static let maxThreads: UInt32 = 1024

    private static let lock = NSLock()
    nonisolated(unsafe) private static var made: CompletionQueue?

    /// The queue of the process, which the first call creates.
    static func shared() throws(MCPError) -> CompletionQueue {
        lock.lock()
        defer { lock.unlock() }
        if let made { return made }
        let queue = try CompletionQueue()
        made = queue
        return queue
    }

    private let pointer: OpaquePointer

    private init() throws(MCPError) {
        pointer = try make { mcp_queue_new($0) }
        let queue = pointer
        do throws(MCPError) {
            try check { mcp_queue_set_threads(queue, Self.maxThreads, $0) }
            try startThread()
        } catch {
            mcp_queue_free(pointer)
            throw error
        }
    }

    private func startThread() throws(MCPError) {
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let queue = UnsafeMutableRawPointer(pointer)
        guard pthread_create(&thread, nil, { deliver($0) }, queue) == 0 else {
            throw MCPError(.systemError, "cannot start a thread for the results of calls")
        }
        #if canImport(Darwin)
            pthread_detach(thread!)
        #else
            pthread_detach(thread)
        #endif
    }

    /// Makes a call, and waits for its end without blocking a thread. Returns its document, if it has one.
    ///
    /// The call is cancelled with the task: it then throws ``MCPError/Status/cancelled``.
    func run(
        _ options: NativeOptions,
        _ call: @Sendable (_ options: OpaquePointer, _ error: ErrorOut) throws(MCPError) -> mcp_status
    ) async throws -> JSON? {
        let pending = PendingCall(pointer)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { pending.submit(options, $0, call) }
        } onCancel: {
            pending.cancel()
        }
    }
}

/// The thread's main function. Whether its argument is optional depends on the platform.
private func deliver(_ queue: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    // The signals of the process are for the threads of the application.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_SETMASK, &signals, nil)
    let queue = queue.map { OpaquePointer($0) }
    while true {
        if mcp_queue_dispatch(queue, .max, nil) != MCP_OK {
            // Nothing that this thread can change: do not occupy a processor with it.
            Thread.sleep(forTimeInterval: 0.01)
        }
    }
}

/// An asynchronous call: the `userdata` of its completion.
private final class PendingCall: @unchecked Sendable {
    private let queue: OpaquePointer
    /// Guards the properties below.
    private let lock = NSLock()
    private var continuation: CheckedContinuation<JSON?, any Error>?
    private var isSubmitted = false
    private var isCancelled = false

    init(_ queue: OpaquePointer) {
        self.queue = queue
    }

    /// How the C API refers to the call.
    private var userdata: UnsafeMutableRawPointer {
        Unmanaged.passUnretained(self).toOpaque()
    }

    func submit(
        _ options: NativeOptions, _ continuation: CheckedContinuation<JSON?, any Error>,
        _ call: (_ options: OpaquePointer, _ error: ErrorOut) throws(MCPError) -> mcp_status
    ) {
        lock.withLock { self.continuation = continuation }
        do throws(MCPError) {
            retainedForLibrary(self)
            try options.set { mcp_options_set_queue($0, queue, doneTrampoline, userdata, releaseBox, $1) }
            try options.owned.use { options throws(MCPError) in
                var error: OpaquePointer?
                if try call(options, &error) != MCP_PENDING {
                    throw takeError(error)
                }
            }
        } catch {
            end(.failure(error))
        }
        // A cancellation before this was not passed to the queue, which did not know the call.
        let isCancelled = lock.withLock {
            isSubmitted = true
            return self.isCancelled
        }
        if isCancelled {
            _ = mcp_queue_cancel(queue, userdata)
        }
    }

    func cancel() {
        let isSubmitted = lock.withLock {
            isCancelled = true
            return self.isSubmitted
        }
        if isSubmitted {
            _ = mcp_queue_cancel(queue, userdata)
        }
    }

    func end(_ result: Result<JSON?, MCPError>) {
        let continuation = lock.withLock {
            defer { self.continuation = nil }
            return self.continuation
        }
        continuation?.resume(with: result)
    }
}

private func doneTrampoline(
    _ userdata: UnsafeMutableRawPointer?, _ status: Int32, _ result: OpaquePointer?, _ error: OpaquePointer?
) {
    guard let userdata else { return }
    let call: PendingCall = objectOfLibrary(userdata)
    guard status == Int32(MCP_OK.rawValue) else {
        return call.end(.failure(takeError(error.flatMap { mcp_error_copy($0) })))
    }
    call.end(.success(result.map { JSON(copying: $0) }))
}
