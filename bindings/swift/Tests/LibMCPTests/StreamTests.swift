import Testing

@testable import LibMCP

@Suite struct StreamTests {
    /// A cancelled stream cancels its call before it is marked as finished. The error that the call then throws is not
    /// an error of the stream, even if it comes first.
    @Test func cancellationEndsStreamWithoutError() async throws {
        for _ in 0..<10_000 {
            let hasBegun = Shared(false)
            let numbers: AsyncThrowingStream<Int, any Error> = stream { receive in
                receive(1)
                while true {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
            let consumer = Task {
                for try await _ in numbers { hasBegun.change { $0 = true } }
            }
            while !hasBegun.value { await Task.yield() }
            consumer.cancel()
            try await consumer.value
        }
    }

    /// All other errors of the call are errors of the stream.
    @Test func callErrorsEndStream() async throws {
        let numbers: AsyncThrowingStream<Int, any Error> = stream { receive in
            receive(1)
            throw MCPError(.closed, "no more")
        }
        var received: [Int] = []
        try await failure(.closed) {
            for try await number in numbers { received.append(number) }
        }
        #expect(received == [1])
    }
}
