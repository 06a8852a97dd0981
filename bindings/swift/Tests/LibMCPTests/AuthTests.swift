import Foundation
import LibMCP
import Testing

/// An error that counts its deinitializations.
private final class CountedError: Error {
    let deinitCount: Shared<Int>

    init(_ deinitCount: Shared<Int> = Shared(0)) {
        self.deinitCount = deinitCount
    }

    deinit {
        deinitCount.change { $0 += 1 }
    }
}

private actor TokenStore {
    private var renewals = 0

    func token(renewed: Bool) async -> String {
        await Task.yield()
        renewals += renewed ? 1 : 0
        return renewals == 0 ? "old-token" : "new-token"
    }
}

@Suite struct AuthTests {
    @Test func closureSuppliesCredentials() async throws {
        let tag = newTag()
        let client = try Scripted.client("dual+bearer=right-token+tag=\(tag)")
        let requests = Shared<[AuthRequest]>([])
        try client.setAuth { request in
            requests.change { $0.append(request) }
            request.bearer = "right-token"
            request.headers["X-More"] = "yes"
        }
        try await client.ping()
        let first = try #require(requests.value.first)
        #expect(first.method == "POST" && first.attempt == 1 && first.url.contains(tag))
        #expect(first.httpStatus == nil && first.challenge == nil && first.clientName.hasPrefix("127.0.0.1"))
        let sent = try #require(try await Scripted.log(tag).last)
        #expect(header(sent, "Authorization") == "Bearer right-token" && header(sent, "X-More") == "yes")

        try client.removeAuth()
        try await failure(.unauthorized) { try await client.ping() }
    }

    @Test func closureRunsAgainAfterUnauthorized() async throws {
        let client = try Scripted.client("dual+bearer=new-token")
        let attempts = Shared<[String]>([])
        try client.setAuth { request in
            attempts.change { $0.append("\(request.httpStatus ?? 0) \(request.challenge?.prefix(6) ?? "none")") }
            request.bearer = request.attempt == 1 ? "old-token" : "new-token"
        }
        try await client.ping()
        #expect(attempts.value == ["0 none", "401 Bearer"])
    }

    @Test func thrownErrorIsUnderlyingError() async throws {
        let tag = newTag()
        let client = try Scripted.client("dual+tag=\(tag)")
        struct Empty: LocalizedError {
            var errorDescription: String? { "the vault\0is empty" }
        }
        try client.setAuth { _ in throw Empty() }
        let error = try await failure(.authFailed) { try await client.ping() }
        #expect(error.underlyingError is Empty && error.message.contains("the vault\u{FFFD}is empty"))
        try await onThread {
            #expect { try client.blocking.ping() } throws: { ($0 as? MCPError)?.underlyingError is Empty }
        }
        try client.setAuth { _ in throw CancellationError() }
        let other = try await failure(.authFailed) { try await client.ping() }
        #expect(other.underlyingError is CancellationError)
        #expect(try await Scripted.log(tag).isEmpty)
    }

    @Test(arguments: [("a\0b", [:]), ("Bearer twice", [:]), (nil, ["Host": "x"]), (nil, ["X-A": "a\0"])])
    func invalidCredentialsFailTheCall(_ bearer: String?, _ headers: [String: String]) async throws {
        let client = try Scripted.client("dual")
        try client.setAuth { request in
            request.bearer = bearer
            request.headers = headers
        }
        let error = try await failure(.authFailed) { try await client.ping() }
        #expect((error.underlyingError as? MCPError)?.status == .invalidArgument)
    }

    @Test func asyncClosureIsAwaited() async throws {
        let client = try Scripted.client("dual+bearer=new-token")
        let store = TokenStore()
        try client.setAuth { request in
            request.bearer = await store.token(renewed: request.attempt > 1)
            try await Task.sleep(for: .milliseconds(1))
        }
        try await client.ping()
        try await client.ping()
        try client.setAuth { _ in
            await Task.yield()
            throw CountedError()
        }
        let error = try await failure(.authFailed) { try await client.ping() }
        #expect(error.underlyingError is CountedError)
    }

    /// One failed refresh fails all calls that wait for it. Their errors share its cause, freed with the last one.
    @Test func failedRefreshFailsAllWaitingCalls() async throws {
        let deinitCount = Shared(0)
        let refreshes = Shared(0)
        do {
            let client = try Scripted.client("dual+bearer=other-token")
            try client.setAuth { request in
                request.bearer = "old-token"
                if request.attempt > 1 {
                    refreshes.change { $0 += 1 }
                    throw CountedError(deinitCount)
                }
            }
            let errors = try await withThrowingTaskGroup(of: MCPError.self) { group in
                for _ in 0..<32 {
                    group.addTask { try await failure(.authFailed) { try await client.ping() } }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(errors.count == 32)
            #expect(errors.allSatisfy { $0.underlyingError is CountedError && $0.httpStatus == 401 })
            #expect(refreshes.value < 32)
        }
        try await eventually { deinitCount.value == refreshes.value }
    }

    @Test func callsOnSameClientInsideClosureAreMisuse() async throws {
        let client = try Scripted.client("dual")
        let statuses = Shared<[MCPError.Status?]>([])
        try client.setAuth { [weak client] _ in
            do {
                try client?.blocking.ping()
            } catch {
                statuses.change { $0.append((error as? MCPError)?.status) }
            }
        }
        try await client.ping()
        try client.setAuth { [weak client] _ in
            do {
                try await client?.ping()
            } catch {
                statuses.change { $0.append((error as? MCPError)?.status) }
            }
        }
        try await client.ping()
        #expect(!statuses.value.isEmpty && statuses.value.allSatisfy { $0 == .misuse })
        #expect(statuses.value.count >= 2)

        // Calls on another client are allowed.
        let other = try Scripted.client("dual")
        try client.setAuth { _ in try await other.ping() }
        try await client.ping()
    }

    @Test func descriptionHidesCredentials() async throws {
        let client = try Scripted.client("dual")
        let shown = Shared("")
        try client.setAuth { request in
            request.bearer = "secret-token"
            request.headers["X-API-Key"] = "secret-key"
            var text = "\(request) \(String(reflecting: request))"
            dump(request, to: &text)
            shown.change { $0 = text }
        }
        try await client.ping()
        #expect(shown.value.contains("POST") && !shown.value.contains("secret"))
    }
}
