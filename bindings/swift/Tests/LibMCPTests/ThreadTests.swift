import Foundation
import LibMCP
import Testing

/// 64 tasks use one client. These tests also run under the thread sanitizer.
@Suite(.serialized) struct ThreadTests {
    static let tasks = 64

    @Test(arguments: ["dual+bearer=good", "legacy+bearer=good", "sse+bearer=good"])
    func tasksShareClientOnScriptedServer(_ scenario: String) async throws {
        try await runPhases(try Scripted.client(scenario), token: "good")
    }

    @Test(arguments: ["fastmcp4-static", "fastmcp4-sse"])
    func tasksShareClientOnRealServers(_ name: String) async throws {
        let server = try RealServer(name)
        try await runPhases(try server.client(), token: server.token("right"))
    }

    private func runPhases(_ client: Client, token: String) async throws {
        try await firstCallsInParallel(client, token)
        try await errorsInParallel(client)
        try await closeDuringCalls(client, token)
    }

    /// First calls of all kinds while settings change; then all tasks read the same result.
    private func firstCallsInParallel(_ client: Client, _ token: String) async throws {
        let lines = Shared(0)
        let authRuns = Shared(0)
        try client.setLog { _, message in lines.change { $0 += message.isEmpty ? 0 : 1 } }
        try client.setAuth { request in
            await Task.yield()
            authRuns.change { $0 += 1 }
            request.bearer = token
        }
        try await inTasks { number in
            try await client.ping(timeout: .seconds(60))
            try client.setHeader("X-Task", to: "\(number)")
            try client.setTimeout(.seconds(60 + number))
            #expect(try await client.serverInfo().pointer("/serverInfo/name")?.string?.isEmpty == false)
            try await onThread { try client.blocking.ping(cancel: CancelToken()) }
            let cancelled = Task { try await client.ping() }
            cancelled.cancel()
            _ = await cancelled.result
        }
        #expect(lines.value > 0 && authRuns.value >= 2 * Self.tasks)
        try client.removeAuth()
        try client.removeLog()

        try client.setBearer(token)
        let info = try await client.serverInfo()
        try await inTasks { _ in
            #expect(info.members.filter { !$0.key.isEmpty && !$0.value.raw.isEmpty }.count == info.count)
        }
    }

    private func errorsInParallel(_ client: Client) async throws {
        try client.setBearer("wrong")
        let errors = Shared<[MCPError]>([])
        try await inTasks { _ in
            let error = try await failure(.unauthorized) { try await client.ping() }
            errors.change { $0.append(error) }
        }
        #expect(errors.value.count == Self.tasks)
        let shared = try #require(errors.value.first)
        try await inTasks { _ in
            #expect(shared.httpStatus == 401 && shared.challenge?.isEmpty == false && !shared.message.isEmpty)
        }
    }

    /// The first task closes the client while the others make calls.
    private func closeDuringCalls(_ client: Client, _ token: String) async throws {
        try client.setBearer(token)
        try await inTasks { number in
            if number == 0 {
                try await client.close()
                return
            }
            for _ in 0..<100 {
                do {
                    try await client.ping()
                } catch let error as MCPError {
                    #expect(error.status == .closed, "\(error)")
                    return
                }
            }
        }
        try await failure(.closed) { try await client.ping() }
    }

    private func inTasks(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<Self.tasks {
                group.addTask { try await body(number) }
            }
            try await group.waitForAll()
        }
    }
}

/// A deliberate race, which shows that the thread sanitizer reports races. It runs separately from the other tests. The
/// closures are slow, so that they overlap: the lock with which the binding receives objects in callbacks orders those
/// that do not.
@Suite struct RaceTests {
    private final class Unguarded: @unchecked Sendable {
        var lines = 0
    }

    @Test func raceInLogClosuresIsDetected() async throws {
        let unguarded = Unguarded()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let client = try Scripted.client("legacy")
                    try client.setLog { _, _ in
                        for _ in 0..<100_000 {
                            unguarded.lines += 1
                        }
                    }
                    try await client.ping()
                }
            }
            try await group.waitForAll()
        }
        #expect(unguarded.lines > 0)
    }
}
