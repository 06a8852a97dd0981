import Foundation
import LibMCP
import Testing

/// Calls end promptly although a closure of the application is still busy, and does not notice that it is cancelled.
@Suite(.serialized) struct PromptEndTests {
    /// How a call is ended.
    enum End: String, CaseIterable {
        case cancel, close

        /// Ends a call of the client, and checks that it ends promptly.
        func expectPrompt<Value>(_ what: String, of call: Task<Value, any Error>, on client: Client) async throws {
            let start = Stopwatch()
            let closing = self == .close ? Task { try await client.close() } : nil
            if self == .cancel { call.cancel() }
            let result = await call.result
            expectPromptEnd("a call (\(self)) ended during \(what) after", since: start)
            switch self {
            case .cancel: #expect(throws: CancellationError.self) { try result.get() }
            case .close: try await failure(.closed) { try result.get() }
            }
            try await closing?.value
        }
    }

    /// Waits four seconds, and ignores that the task is cancelled.
    private static func beBusy(_ hasBegun: Shared<Bool>) async {
        hasBegun.change { $0 = true }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + 4) { continuation.resume() }
        }
    }

    @Test(arguments: ["2025-11-25", "2026-07-28"], End.allCases)
    func duringHandler(_ version: String, _ end: End) async throws {
        let client = try InputTests.elicitingServer(version).client()
        let hasBegun = Shared(false)
        try client.setElicitation { _ in
            await Self.beBusy(hasBegun)
            return .accept(["late": true])
        }
        let call = Task { try await client.callTool("asks") }
        try await eventually { hasBegun.value }
        try await end.expectPrompt("a handler (\(version))", of: call, on: client)
    }

    @Test(arguments: End.allCases) func duringAuthClosure(_ end: End) async throws {
        let client = try Scripted.client("dual+bearer=token")
        let hasBegun = Shared(false)
        try client.setAuth { request in
            await Self.beBusy(hasBegun)
            request.bearer = "token"
        }
        let call = Task { try await client.ping() }
        try await eventually { hasBegun.value }
        try await end.expectPrompt("an auth closure", of: call, on: client)
    }

    /// The closure blocks its thread.
    @Test(arguments: End.allCases) func duringBlockingAuthClosure(_ end: End) async throws {
        let client = try Scripted.client("dual+bearer=token")
        let hasBegun = Shared(false)
        try client.setAuth { request in
            hasBegun.change { $0 = true }
            Thread.sleep(forTimeInterval: 4)
            request.bearer = "token"
        }
        let call = Task { try await client.ping() }
        try await eventually { hasBegun.value }
        try await end.expectPrompt("a blocking auth closure", of: call, on: client)
    }

    @Test(arguments: End.allCases) func duringOpenClosure(_ end: End) async throws {
        let server = try OAuthServer()
        let hasBegun = Shared(false)
        let oauth = try OAuth(redirect: privateRedirect) { login in
            await Self.beBusy(hasBegun)
            return try server.redirect(login.url)
        }
        let client = try server.client(oauth)
        let call = Task { try await client.ping() }
        try await eventually { hasBegun.value }
        try await end.expectPrompt("an open closure", of: call, on: client)
    }

    @Test func blockingCallDuringHandler() async throws {
        let client = try InputTests.elicitingServer("2026-07-28").client()
        let hasBegun = Shared(false)
        try client.setElicitation { _ in
            await Self.beBusy(hasBegun)
            return .decline
        }
        let token = CancelToken()
        let call = Task { try await onThread { try client.blocking.callTool("asks", cancel: token) } }
        try await eventually { hasBegun.value }
        let start = Stopwatch()
        token.trigger()
        try await failure(.cancelled) { try await call.value }
        expectPromptEnd("a blocking call ended during a handler after", since: start)
    }

    @Test func authClosureIsCancelledWithItsCall() async throws {
        let client = try Scripted.client("dual+bearer=token")
        let runs = Shared(0)
        let isCancelled = Shared(false)
        try client.setAuth { _ in
            runs.change { $0 += 1 }
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                isCancelled.change { $0 = true }
                throw error
            }
        }
        let call = Task { try await client.ping() }
        try await eventually { runs.value == 1 }
        #expect(!isCancelled.value)
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        try await eventually { isCancelled.value }
    }

    /// The time for an input has passed: the server receives an answer, and the task of the handler is cancelled.
    @Test func inputTimeoutCancelsHandler() async throws {
        let server = try InputTests.elicitingServer("2025-11-25")
        let client = try server.client()
        let isCancelled = Shared(false)
        try client.setInputTimeout(.milliseconds(50))
        try client.setElicitation { _ in
            try? await Task.sleep(for: .seconds(3600))
            isCancelled.change { $0 = true }
            return .decline
        }
        #expect(try await client.callTool("asks").text == "asked")
        try await eventually { isCancelled.value }
        let answer = try server.received().first { $0["id"]?.string == "s1" }
        #expect(answer?["result"]?["action"]?.string == "cancel")
        try await failure(.invalidArgument) { try client.setInputTimeout(.seconds(-1)) }
    }
}
