import Foundation
import LibMCP
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// An environment variable that the test runner sets.
func variable(_ name: String) throws -> String {
    try #require(ProcessInfo.processInfo.environment[name], "\(name) is not set")
}

/// The scripted server, mcp-test-server. Its scenarios are described in tests/server/README.md.
enum Scripted {
    static func url(_ scenario: String) throws -> String {
        try variable("MCP_TEST_URL") + "/s/\(scenario)/mcp"
    }

    /// A client for a scenario, such as "legacy+stream". It has a timeout, so that a hang fails the test.
    static func client(_ scenario: String, bearer: String? = nil) throws -> Client {
        let client = try Client(url(scenario), bearer: bearer)
        try client.setTimeout(.seconds(30))
        return client
    }

    /// The requests that the server recorded under a tag.
    static func log(_ tag: String) async throws -> [JSON] {
        let url = try #require(URL(string: variable("MCP_TEST_URL") + "/_log/\(tag)"))
        let (data, _) = try await URLSession.shared.data(from: url)
        return try Array(JSON(parsing: data).elements)
    }

    /// Waits until the server has received this number of pings.
    static func waitForPings(_ tag: String, times: Int = 1) async throws {
        try await eventually { try await log(tag).filter { $0["rpc_method"]?.string == "ping" }.count >= times }
    }
}

/// The value of a header of a recorded request.
func header(_ request: JSON, _ name: String) -> String? {
    request["headers"]?.elements.first { $0[0]?.string?.lowercased() == name.lowercased() }?[1]?.string
}

/// A unique tag.
func newTag() -> String {
    UUID().uuidString
}

/// Waits until the condition is true, for at most one minute.
func eventually(
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        try #require(ContinuousClock.now < end, "the condition did not become true", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// Checks that `body` throws an error with this status, and returns it.
@discardableResult
func failure<Value>(
    _ status: MCPError.Status, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Value
) async throws -> MCPError {
    let error = await thrown(body)
    let found = try #require(error as? MCPError, "\(String(describing: error))", sourceLocation: sourceLocation)
    #expect(found.status == status, "\(found)", sourceLocation: sourceLocation)
    return found
}

/// The error that `body` throws; nil if it succeeds.
private func thrown<Value>(_ body: () async throws -> Value) async -> (any Error)? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// A point in time, and the CPU wait time of each thread of this process until then.
struct Stopwatch {
    let start = ContinuousClock.now
    private let delays = Self.delays()

    /// The total CPU wait time of the threads since then; zero if the system does not report it.
    var cpuWait: Duration {
        let waits = Self.delays().map { thread, delay in delay - (delays[thread] ?? 0) }
        return .nanoseconds(waits.reduce(0, +))
    }

    private static func delays() -> [String: Int64] {
        let folder = "/proc/self/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var found: [String: Int64] = [:]
        for thread in threads {
            // The first number is the thread's CPU time, the second its CPU wait time.
            let file = "\(folder)/\(thread)/schedstat"
            let numbers = try? String(contentsOfFile: file, encoding: .utf8).split(separator: " ")
            found[thread] = numbers.flatMap { $0.count > 1 ? Int64($0[1]) : nil }
        }
        return found
    }
}

/// Prints how long something took, and checks that it took less than 2 seconds: a call that is cancelled or closed must
/// end promptly (usually within 50 ms). On a busy machine, the limit grows by the CPU wait time, up to 2 more seconds.
func expectPromptEnd(_ what: String, since start: Stopwatch, sourceLocation: SourceLocation = #_sourceLocation) {
    let took = ContinuousClock.now - start.start
    print("\(what): \(took.formatted(.units(allowed: [.milliseconds], fractionalPart: .show(length: 2))))")
    let bound = Duration.seconds(2)
    #expect(took < bound + min(bound, start.cpuWait), sourceLocation: sourceLocation)
}

/// A value that closures on several threads share.
final class Shared<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) {
        stored = value
    }

    var value: Value {
        lock.withLock { stored }
    }

    @discardableResult
    func change<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try lock.withLock { try body(&stored) }
    }
}

/// Runs a blocking function on a new thread.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// Counts its deinitializations. A closure that captures it shows when the closure is released.
final class DeinitCounter: Sendable {
    let deinitCount: Shared<Int>

    init(_ deinitCount: Shared<Int>) {
        self.deinitCount = deinitCount
    }

    deinit {
        deinitCount.change { $0 += 1 }
    }

    func keepAlive() {}
}
