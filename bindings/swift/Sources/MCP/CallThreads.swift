import Foundation

/// Threads for the blocking calls of the C API, which must not block the threads of Swift's cooperative pool.
///
/// There is one thread for each blocked call; Dispatch is not used because its pool is limited to 64 threads. An idle
/// thread runs the next call, or ends after `idleTime`.
final class CallThreads: @unchecked Sendable {
    static let shared = CallThreads(idleTime: 5)

    typealias Job = @Sendable () -> Void

    private let idleTime: TimeInterval
    /// Guards the properties below, and wakes idle threads.
    private let condition = NSCondition()
    private var jobs: [Job] = []
    /// The number of threads that wait for a job.
    private var idleThreads = 0

    init(idleTime: TimeInterval) {
        self.idleTime = idleTime
    }

    /// Runs a job on an idle or a new thread. Returns false if no thread is idle and none can be created.
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

/// The thread's main function. Whether its argument is optional depends on the platform.
private func runJobs(_ userdata: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let userdata else { return nil }
    let threads = Unmanaged<CallThreads>.fromOpaque(userdata).takeRetainedValue()
    while let job = threads.nextJob() {
        job()
    }
    return nil
}

extension CallThreads {
    /// Runs tasks on these threads, so that a task that a blocked call waits for makes progress while the cooperative
    /// pool is fully occupied.
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
