import Foundation

/// Threads for what blocks: calls of the C API, which would otherwise hold a thread of Swift's cooperative pool.
///
/// There are as many as there are blocked calls, for Dispatch stops at 64. A thread that has nothing to do takes the next
/// call, or ends after a while.
final class CallThreads: @unchecked Sendable {
    static let shared = CallThreads(idleTime: 5)

    typealias Job = @Sendable () -> Void

    private let idleTime: TimeInterval
    /// Guards what follows, and wakes idle threads.
    private let condition = NSCondition()
    private var jobs: [Job] = []
    /// The threads that wait for jobs.
    private var idleThreads = 0

    init(idleTime: TimeInterval) {
        self.idleTime = idleTime
    }

    /// Runs a job on a thread; false where there is none, and the system gives no more.
    func run(_ job: @escaping Job) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        jobs.append(job)
        if jobs.count <= idleThreads {
            condition.signal()
        } else if !startThread() {
            jobs.removeLast()
            return false
        }
        return true
    }

    private func startThread() -> Bool {
        let threads = Unmanaged.passRetained(self)
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        guard pthread_create(&thread, nil, { runJobs($0) }, threads.toOpaque()) == 0 else {
            threads.release()
            return false
        }
        #if canImport(Darwin)
            pthread_detach(thread!)
        #else
            pthread_detach(thread)
        #endif
        return true
    }

    fileprivate func nextJob() -> Job? {
        condition.lock()
        defer { condition.unlock() }
        let deadline = Date(timeIntervalSinceNow: idleTime)
        var timeLeft = true
        while jobs.isEmpty && timeLeft {
            idleThreads += 1
            timeLeft = condition.wait(until: deadline)
            idleThreads -= 1
        }
        return jobs.isEmpty ? nil : jobs.removeFirst()
    }
}

/// The life of a thread. Whether the argument is optional depends on the system.
private func runJobs(_ userdata: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let userdata else { return nil }
    let threads = Unmanaged<CallThreads>.fromOpaque(userdata).takeRetainedValue()
    while let job = threads.nextJob() {
        job()
    }
    return nil
}

extension CallThreads {
    /// Runs tasks on these threads: one that a blocked call waits for goes on while all of the cooperative pool is busy.
    final class Executor: TaskExecutor {
        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            let run: Job = { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
            if !CallThreads.shared.run(run) {
                DispatchQueue.global().async(execute: run)
            }
        }
    }

    static let executor = Executor()
}
