/// Common to all calls:
///
/// - `timeout` limits the call from start to end; nil means the client's timeout (``setTimeout(_:)``), `.zero` means no
///   limit. `idleTimeout` limits how long the call waits without receiving a byte or, while it sends, without being
///   able to send one. Both are rounded up to milliseconds, and both throw ``MCPError/Status/timeout``. `options` are
///   described at ``CallOptions``.
/// - When the task is cancelled, a call that has not started throws `CancellationError` and sends nothing. A call in
///   progress throws it within 50 ms, also while a closure of the application runs, and notifies the server; the client
///   stays usable.
/// - Calls block no thread of the application.
extension Client {
    /// Connects: negotiates the protocol version, and opens a session if that version has sessions. Optional, because
    /// every call connects when needed; useful to find out early whether the server can be used.
    ///
    /// An invalid token is not always detected here: some servers require credentials only for later requests.
    public func connect(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.connect, timeout, idleTimeout, options)
    }

    /// Checks that the server is reachable and responds. Each call sends a request; the result is never cached.
    ///
    /// On a legacy server this is the protocol's `ping`. Versions from 2026-07-28 on have no `ping`; `server/discover`,
    /// which every server of these versions implements, is sent instead.
    ///
    /// Success does not mean that the token is valid for the server's tools: a server may allow this request without
    /// credentials. If it does not, a missing or wrong token throws ``MCPError/Status/unauthorized``, with the server's
    /// challenge in ``MCPError/challenge``.
    public func ping(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.ping, timeout, idleTimeout, options)
    }

    /// Returns what the server reported about itself when the client connected (connects first if necessary), as an
    /// object:
    ///
    /// - "protocolVersion": the negotiated version, such as "2025-11-25"
    /// - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
    /// - "transport": "streamable-http", "sse" or "stdio"
    /// - "serverInfo": an object with "name" and "version", if the server provides them
    /// - "capabilities": the server's capabilities
    /// - "instructions": the server's usage instructions, if it provides them
    /// - "supportedVersions": all versions that the server supports (modern servers only)
    ///
    /// No new request is sent. The server's statements about itself are not verified: show them to people, do not base
    /// decisions on them.
    public func serverInfo(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> JSON {
        try await run(Calls.serverInfo, timeout, idleTimeout, options)
    }

    /// Requests the server's log messages of this level and above, which the closure of ``setServerLog(_:)`` receives.
    /// A legacy server receives a request now; a modern server receives the level with every later request.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown level, ``MCPError/Status/rpcError`` if a legacy
    ///   server does not support logging.
    public func requestServerLog(
        _ level: LoggingLevel, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.requestServerLog(level), timeout, idleTimeout, options)
    }

    /// Sends a request with any method, such as one of an extension, and returns its result unchanged. The `_meta`
    /// members that the protocol version requires are added.
    ///
    /// It is sent once: if it is unknown whether the server has executed it, it is not sent again.
    public func request(
        _ method: String, params: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> JSON {
        try await run(Calls.request(method, params), timeout, idleTimeout, options)
    }

    /// Sends a notification with any method, and waits until the server has received it; if the server is a process, it
    /// does not wait for that. Notifications have no response.
    public func notify(
        _ method: String, params: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.notify(method, params), timeout, idleTimeout, options)
    }

    /// Closes the client. Every call in progress and every later call throws ``MCPError/Status/closed``. A legacy
    /// server is notified that the session has ended (on HTTP+SSE, the event stream is closed); a server process is
    /// terminated.
    ///
    /// The client is closed even if this throws, and also in a cancelled task, which does not wait for the server. A
    /// second close has no effect.
    ///
    /// - Throws: The reason why the server could not be notified.
    public func close(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await runUnchecked(Calls.close, timeout, idleTimeout, options)
    }

    func run<Result: Sendable>(
        _ call: NativeCall<Result>, _ timeout: Duration?, _ idleTimeout: Duration?, _ options: CallOptions
    ) async throws -> Result {
        try Task.checkCancellation()
        try rejectReentrantCall()
        return try await runUnchecked(call, timeout, idleTimeout, options)
    }

    /// Runs the call without the checks for cancellation and re-entrant calls: `close` is always allowed.
    private func runUnchecked<Result: Sendable>(
        _ call: NativeCall<Result>, _ timeout: Duration?, _ idleTimeout: Duration?, _ options: CallOptions
    ) async throws -> Result {
        let delivery = options.progress.map { ProgressDelivery($0) }
        do {
            let native = try NativeOptions(
                timeout: timeout, idleTimeout: idleTimeout, cancel: delivery?.cancelToken, options,
                progress: delivery?.add)
            let result = try await run(call, native)
            try await delivery?.finish()
            return result
        } catch let error as MCPError {
            let error = delivery?.fail(error) ?? error
            throw error.status == .cancelled && error.underlyingError == nil ? CancellationError() : error
        }
    }
}
