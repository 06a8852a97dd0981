import CMCP

/// How far an operation has come.
public struct ProgressUpdate: Sendable {
    /// It grows with each update.
    public let progress: Double
    /// Where it ends; nil where the server does not know.
    public let total: Double?
    /// What the server says of it.
    public let message: String?
}

/// Receives how far an operation has come.
public typealias ProgressClosure = @Sendable (_ update: ProgressUpdate) -> Void

/// What else a call can be given, beside its times.
///
///     let options = CallOptions { print($0.progress, "of", $0.total ?? .nan) }
///     let result = try await client.callTool("index", options: options)
///
/// One value may serve any number of calls.
public struct CallOptions: Sendable {
    /// Asks the server to tell how far it has come, and is told. It runs on the thread of the call, whose timeout does not
    /// count its time.
    public var progress: ProgressClosure?
    /// Members of the `_meta` of the call's requests, an object, such as a trace context ("traceparent"). They beat what
    /// the library puts there by itself.
    public var meta: JSON?
    /// Headers of the call's requests; the rules are those of ``Client/setHeader(_:to:)``, which they beat.
    public var headers: [String: String]

    /// Makes options.
    public init(meta: JSON? = nil, headers: [String: String] = [:], progress: ProgressClosure? = nil) {
        self.progress = progress
        self.meta = meta
        self.headers = headers
    }
}

/// The options of a call as the C API takes them.
struct NativeOptions: Sendable {
    let owned = Owned(mcp_options_new(), mcp_options_free)

    init(
        timeout: Duration?, idleTimeout: Duration?, cancel: CancelToken?, _ options: CallOptions
    ) throws(MCPError) {
        if let milliseconds = try timeout?.milliseconds("the timeout") {
            try set { mcp_options_set_timeout($0, milliseconds, $1) }
        }
        if let milliseconds = try idleTimeout?.milliseconds("the idle limit") {
            try set { mcp_options_set_idle_timeout($0, milliseconds, $1) }
        }
        if let cancel {
            try cancel.owned.use { token throws(MCPError) in
                try set { mcp_options_set_cancel($0, token, $1) }
            }
        }
        if let progress = options.progress {
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

    private func set(_ setter: (_ options: OpaquePointer, _ error: ErrorOut) -> mcp_status) throws(MCPError) {
        try owned.use { options throws(MCPError) in
            try check { setter(options, $0) }
        }
    }
}

private func progressTrampoline(
    _ userdata: UnsafeMutableRawPointer?, _ progress: Double, _ total: Double, _ message: UnsafePointer<CChar>?
) {
    guard let userdata else { return }
    let update = ProgressUpdate(
        progress: progress, total: total < 0 ? nil : total, message: message.map { String(cString: $0) })
    Box<ProgressClosure>.at(userdata).content(update)
}
