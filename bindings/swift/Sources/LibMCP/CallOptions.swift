import CMCP

/// A progress notification of the server.
public struct ProgressUpdate: Sendable {
    /// The progress so far; grows with each update.
    public let progress: Double
    /// The value of `progress` at completion; nil if the server does not know it.
    public let total: Double?
    /// The server's description of the progress.
    public let message: String?
}

/// Receives progress notifications. If it throws, the call ends with ``MCPError/Status/cancelled``, and
/// ``MCPError/underlyingError`` is the error that it threw.
public typealias ProgressClosure = @Sendable (_ update: ProgressUpdate) throws -> Void

/// Options of a call, in addition to its timeouts.
///
///     let options = CallOptions { print($0.progress, "of", $0.total ?? .nan) }
///     let result = try await client.callTool("index", options: options)
///
/// One value can be used for any number of calls, also at the same time.
public struct CallOptions: Sendable {
    /// Requests progress notifications and receives them, one at a time and in order. If updates arrive faster than
    /// they are delivered, some may be skipped, but never the newest. The time that the closure takes does not count
    /// against the timeout. It ends the call by throwing an error.
    ///
    /// The closure of an asynchronous call runs on a thread of Dispatch, that of a blocking call on the thread of the
    /// call. A call that succeeds returns after the closure has received all updates.
    public var progress: ProgressClosure?
    /// Members of `_meta` in the requests of the call, as an object; for example a trace context ("traceparent"). They
    /// override the members that the library sets.
    public var meta: JSON?
    /// Headers of the requests of the call. They override the client's headers; the rules of
    /// ``Client/setHeader(_:to:)`` apply.
    public var headers: [String: String]

    /// Creates options for a call.
    public init(meta: JSON? = nil, headers: [String: String] = [:], progress: ProgressClosure? = nil) {
        self.progress = progress
        self.meta = meta
        self.headers = headers
    }
}

/// The options of a call as an object of the C API.
struct NativeOptions: Sendable {
    let owned = Owned(mcp_options_new(), mcp_options_free)

    /// `progress` receives progress notifications in place of the closure of `options`.
    init(
        timeout: Duration?, idleTimeout: Duration?, cancel: CancelToken?, _ options: CallOptions,
        progress: ProgressSink?
    ) throws(MCPError) {
        if let milliseconds = try timeout?.milliseconds("the timeout") {
            try set { mcp_options_set_timeout($0, milliseconds, $1) }
        }
        if let milliseconds = try idleTimeout?.milliseconds("the idle timeout") {
            try set { mcp_options_set_idle_timeout($0, milliseconds, $1) }
        }
        if let cancel {
            try cancel.owned.use { token throws(MCPError) in
                try set { mcp_options_set_cancel($0, token, $1) }
            }
        }
        if let progress {
            let userdata = Box(progress).retained()
            try set { mcp_options_set_progress($0, progressTrampoline, userdata, releaseBox, $1) }
        }
        if let meta = options.meta {
            try set { options, error in withJSONText(meta) { mcp_options_set_meta(options, $0, $1, error) } }
        }
        for (name, value) in options.headers {
            try rejectNUL("the name of the header", name)
            try rejectNUL("the value of the header", value)
            try set { mcp_options_set_header($0, name, value, $1) }
        }
    }

    func set(_ setter: (_ options: OpaquePointer, _ error: ErrorOut) -> mcp_status) throws(MCPError) {
        try owned.use { options throws(MCPError) in
            try check { setter(options, $0) }
        }
    }
}

private func progressTrampoline(
    _ userdata: UnsafeMutableRawPointer?, _ progress: Double, _ total: Double, _ message: UnsafePointer<CChar>?
) -> Bool {
    guard let userdata else { return true }
    let update = ProgressUpdate(
        progress: progress, total: total < 0 ? nil : total, message: message.map { String(cString: $0) })
    return Box<ProgressSink>.at(userdata).content(update)
}
