import Foundation
import MCP
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A variable that whoever runs the tests sets.
func variable(_ name: String) throws -> String {
    try #require(ProcessInfo.processInfo.environment[name], "\(name) is not set")
}

/// mcp-test-server: tests/server/README.md says what its scenarios are.
enum Scripted {
    static func url(_ scenario: String) throws -> String {
        try variable("MCP_TEST_URL") + "/s/\(scenario)/mcp"
    }

    /// A client for a scenario, such as "legacy+stream". A hang becomes a failure.
    static func client(_ scenario: String, bearer: String? = nil) throws -> Client {
        let client = try Client(url(scenario), bearer: bearer)
        try client.setTimeout(.seconds(30))
        return client
    }

    /// What the server recorded under a tag.
    static func log(_ tag: String) async throws -> [JSON] {
        let url = try #require(URL(string: variable("MCP_TEST_URL") + "/_log/\(tag)"))
        let (data, _) = try await URLSession.shared.data(from: url)
        return try Array(JSON(parsing: data).elements)
    }

    /// Comes back when so many pings have reached the server.
    static func pinged(_ tag: String, times: Int = 1) async throws {
        try await eventually { try await log(tag).filter { $0["rpc_method"]?.string == "ping" }.count >= times }
    }
}

/// The value of a header of a recorded request.
func header(_ request: JSON, _ name: String) -> String? {
    request["headers"]?.elements.first { $0[0]?.string?.lowercased() == name.lowercased() }?[1]?.string
}

/// A tag that no other test has.
func newTag() -> String {
    UUID().uuidString
}

/// Comes back when the condition holds; a minute is enough for everything.
func eventually(
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        try #require(ContinuousClock.now < end, "it did not come to pass", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// The error that `body` throws, which has to have this status.
@discardableResult
func failure<Value>(
    _ status: MCPError.Status, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Value
) async throws -> MCPError {
    let error = await thrown(body)
    let found = try #require(error as? MCPError, "\(String(describing: error))", sourceLocation: sourceLocation)
    #expect(found.status == status, "\(found)", sourceLocation: sourceLocation)
    return found
}

/// What `body` throws; nil where it does not.
private func thrown<Value>(_ body: () async throws -> Value) async -> (any Error)? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// A moment, and how long each thread of this process had waited for a processor until then.
struct Stopwatch {
    let start = ContinuousClock.now
    private let delays = Self.delays()

    /// How long the threads of this process have waited for a processor since then; zero where the system does not tell.
    var lost: Duration {
        let lost = Self.delays().map { thread, delay in delay - (delays[thread] ?? 0) }
        return .nanoseconds(lost.reduce(0, +))
    }

    private static func delays() -> [String: Int64] {
        let folder = "/proc/self/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var found: [String: Int64] = [:]
        for thread in threads {
            // The time that it ran, and the time that it waited for a processor.
            let file = "\(folder)/\(thread)/schedstat"
            let numbers = try? String(contentsOfFile: file, encoding: .utf8).split(separator: " ")
            found[thread] = numbers.flatMap { $0.count > 1 ? Int64($0[1]) : nil }
        }
        return found
    }
}

/// How long something took; a call that is told to end has to do so within 2 seconds, and does within 50 ms. On a busy machine
/// the time that threads waited for a processor is added, up to 2 seconds more.
func ended(_ what: String, since start: Stopwatch, sourceLocation: SourceLocation = #_sourceLocation) {
    let took = ContinuousClock.now - start.start
    print("\(what): \(took.formatted(.units(allowed: [.milliseconds], fractionalPart: .show(length: 2))))")
    let bound = Duration.seconds(2)
    #expect(took < bound + min(bound, start.lost), sourceLocation: sourceLocation)
}

/// A value that closures on several threads share.
final class Shared<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var held: Value

    init(_ value: Value) {
        held = value
    }

    var value: Value {
        lock.withLock { held }
    }

    @discardableResult
    func change<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try lock.withLock { try body(&held) }
    }
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// Says when it is gone.
final class Witness: Sendable {
    let gone: Shared<Int>

    init(_ gone: Shared<Int>) {
        self.gone = gone
    }

    deinit {
        gone.change { $0 += 1 }
    }

    func seen() {}
}
