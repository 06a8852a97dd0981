import Foundation
import LibMCP
import Testing

@Suite(.serialized) struct PoolTests {
    /// More blocked calls than Dispatch or the cooperative pool has threads.
    @Test func blockedCallsDoNotBlockOtherTasks() async throws {
        let tag = newTag()
        let client = try Scripted.client("legacy+tag=\(tag)+fault=silent+when=ping")
        let calls = (0..<100).map { _ in Task { try await client.ping() } }
        try await Scripted.waitForPings(tag, times: 100)
        // All of them are blocked; other tasks continue.
        let other = try Scripted.client("dual")
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<100 {
                group.addTask {
                    await Task.yield()
                    if number % 10 == 0 {
                        try await other.ping()
                    }
                    return number
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 4950)
        let start = Stopwatch()
        for call in calls { call.cancel() }
        for call in calls {
            await #expect(throws: CancellationError.self) { try await call.value }
        }
        expectPromptEnd("100 cancelled pings ended after", since: start)
    }

    /// The async auth closure of a blocking call runs while every thread of the cooperative pool is busy.
    @Test func authClosureRunsWhilePoolIsBusy() async throws {
        actor TokenStore {
            func token() -> String { "right-token" }
        }
        let store = TokenStore()
        let client = try Scripted.client("dual+bearer=right-token")
        try client.setAuth { request in
            await Task.yield()
            async let token = store.token()
            request.bearer = await token
        }
        let busy = Shared(0)
        let release = DispatchSemaphore(value: 0)
        let threads = ProcessInfo.processInfo.activeProcessorCount
        // On a separate thread: the thread of this test's task may be one of the busy ones.
        let outcome: (Result<Void, any Error>, Bool) = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let probed = Shared(false)
                for _ in 0..<threads {
                    Task.detached(priority: .high) {
                        busy.change { $0 += 1 }
                        release.waitForever()
                    }
                }
                while busy.value < threads {
                    Thread.sleep(forTimeInterval: 0.001)
                }
                Task.detached(priority: .high) { probed.change { $0 = true } }
                let result = Result { try client.blocking.ping(timeout: .seconds(30)) }
                let poolRan = probed.value
                for _ in 0..<threads { release.signal() }
                continuation.resume(returning: (result, poolRan))
            }
        }
        try outcome.0.get()
        #expect(!outcome.1, "the pool was not busy: the test proves nothing")
    }

    /// The library has a thread for each call in progress. Idle ones end.
    @Test func threadsOfCallsEnd() async throws {
        let before = try threadCount()
        let tag = newTag()
        let client = try Scripted.client("legacy+tag=\(tag)+fault=silent+when=ping")
        let calls = (0..<200).map { _ in Task { try await client.ping() } }
        try await Scripted.waitForPings(tag, times: 200)
        let during = try threadCount()
        for call in calls { call.cancel() }
        for call in calls { _ = await call.result }
        print("threads before 200 calls: \(before), during them: \(during)")
        // Other tests have threads as well.
        try await eventually { try threadCount() <= before + 20 }
    }

    /// A progress closure that blocks its thread delays neither the results of other calls nor the end of its call.
    @Test func blockingProgressClosureDelaysNoCall() async throws {
        let server = try ProgressTests.unresponsiveServer("2025-11-25")
        let client = try server.client()
        let isBlocked = Shared(false)
        let release = DispatchSemaphore(value: 0)
        let options = CallOptions { _ in
            isBlocked.change { $0 = true }
            release.wait()
        }
        let call = Task { try await client.callTool("never", timeout: .zero, options: options) }
        try await eventually { isBlocked.value }
        try await client.ping()
        try await Scripted.client("dual").ping()
        let start = Stopwatch()
        call.cancel()
        let result = await call.result
        expectPromptEnd("a call whose progress closure is blocked ended after", since: start)
        #expect(throws: CancellationError.self) { try result.get() }
        release.signal()
    }

    private func threadCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }
}

extension DispatchSemaphore {
    /// Blocks the thread, which tasks must not do: here it keeps the pool busy on purpose.
    fileprivate func waitForever() {
        wait()
    }
}
