import CMCP
import Foundation

/// Which way a message goes.
public struct TraceDirection: RawRepresentable, Hashable, Sendable {
    /// The `mcp_trace_direction` value of the C API.
    public let rawValue: Int32

    /// Creates a direction from an `mcp_trace_direction` value of the C API. Later versions may add directions.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    private init(_ direction: mcp_trace_direction) {
        rawValue = Int32(direction.rawValue)
    }

    /// The client sends the message.
    public static let sent = TraceDirection(MCP_TRACE_SENT)
    /// The client has received the message.
    public static let received = TraceDirection(MCP_TRACE_RECEIVED)
}

/// Receives a message.
public typealias TraceClosure = @Sendable (_ direction: TraceDirection, _ text: String) -> Void

extension Client {
    /// Sets the closure that receives every JSON-RPC message that the client sends and receives, for debugging.
    ///
    ///     try client.setTrace { direction, text in
    ///         print(direction == .sent ? "->" : "<-", text)
    ///     }
    ///
    /// Tokens, cookies, and the values of headers that were set are replaced by "[redacted]", but not secrets that only
    /// the program and the server know. Of a longer message, the first 1 MiB are passed. What the server sends in place
    /// of a message is passed, too.
    ///
    /// The closure runs on the thread that sends or receives the message, possibly on several at the same time: the
    /// message waits for it. It must not make calls on this client. A trap in the closure terminates the process, as in
    /// all Swift code.
    ///
    /// The client retains the closure until it is replaced or the client is freed: capture the client weakly.
    ///
    /// May be called on any thread at any time; takes effect with the next message.
    public func setTrace(_ trace: @escaping TraceClosure) throws(MCPError) {
        let userdata = Box(trace).retained()
        try set { mcp_set_trace($0, traceTrampoline, userdata, releaseBox, $1) }
    }

    /// Removes the trace closure (none is set by default).
    public func removeTrace() throws(MCPError) {
        try set { mcp_set_trace($0, nil, nil, nil, $1) }
    }

    /// Lets the user of the program see the log: if the environment variable MCP_DEBUG is "1", log messages are written
    /// to stderr, and if it is "2", also the messages of the protocol. Otherwise, this does nothing. It replaces the
    /// closures of ``setLog(_:)`` and, with "2", of ``setTrace(_:)``.
    public func useDebugOutput() throws(MCPError) {
        try set { mcp_use_debug_output($0, $1) }
    }
}

private func traceTrampoline(
    _ userdata: UnsafeMutableRawPointer?, _ direction: Int32, _ text: UnsafePointer<CChar>, _ length: Int
) {
    guard let userdata else { return }
    let bytes = UnsafeRawBufferPointer(start: text, count: length)
    Box<TraceClosure>.at(userdata).content(TraceDirection(rawValue: direction), String(decoding: bytes, as: UTF8.self))
}
