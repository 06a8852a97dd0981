/// What all calls have in common.
///
/// - `timeout` governs the call from its start to its end; nil means the client's (``setTimeout(_:)``), `.zero` none. Under
///   `idleTimeout`, the call also ends when that long no byte comes from the server and none can be sent. Both are rounded
///   up to milliseconds, and both throw ``MCPError/Status/timeout``. `options` are for what else a call can be given.
/// - When the task is cancelled, the call throws `CancellationError` at once, or within 50 ms where it is under way; the
///   server is told, and the client stays usable. A task that is cancelled already sends nothing.
/// - Calls run on threads of their own: however many wait, none holds a thread of Swift's cooperative pool.
extension Client {
    /// Connects: finds out which protocol versions the server speaks, and opens a session where the server's version
    /// has sessions. Optional, for every call connects by itself; useful to see early whether the server can be used at
    /// all.
    ///
    /// A bad token is not always seen here: some servers ask for credentials only later.
    public func connect(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.connect, timeout, idleTimeout, options)
    }

    /// Asks whether the server is there, and answers. Never answered from memory: each call goes to the server.
    ///
    /// On a legacy server this is the protocol's `ping`. From 2026-07-28 on there is none; `server/discover`, which
    /// every server of that version implements, stands in for it.
    ///
    /// Success means that the server answered, not that the token is good for its tools: a server may leave this call
    /// open to everybody. Where it does not, a missing or wrong token is ``MCPError/Status/unauthorized``, with the
    /// server's challenge in ``MCPError/wwwAuthenticate``.
    public func ping(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.ping, timeout, idleTimeout, options)
    }

    /// Gives what the server said of itself when the client connected (and connects first, where that is still to do),
    /// as an object:
    ///
    /// - "protocolVersion": the version that is spoken, such as "2025-11-25"
    /// - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
    /// - "transport": "streamable-http", "sse" or "stdio"
    /// - "serverInfo": with "name" and "version", where the server gives them
    /// - "capabilities": what it can do
    /// - "instructions": how it wants to be used, where it says so
    /// - "supportedVersions": all that it speaks, on modern servers
    ///
    /// The server is not asked again. What it says of itself is not verified by anybody: it is for people to read.
    public func serverInfo(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> JSON {
        try await run(Calls.serverInfo, timeout, idleTimeout, options)
    }

    /// Asks the server for its log messages from a level on, which ``setLogging(_:)`` receives. A legacy server is told
    /// now; a modern one with every request from now on.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown level, ``MCPError/Status/rpcError`` where a legacy
    ///   server has no log.
    public func setLoggingLevel(
        _ level: LoggingLevel, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.setLoggingLevel(level), timeout, idleTimeout, options)
    }

    /// Sends any request, such as one of an extension, and gives its result as it came. What the protocol version wants
    /// in `_meta` is added.
    ///
    /// It is sent once: where it is not known whether the server has executed it, it is not sent again.
    public func request(
        _ method: String, params: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> JSON {
        try await run(Calls.request(method, params), timeout, idleTimeout, options)
    }

    /// Sends any notification, and waits until the server has taken it; there is no answer.
    public func notify(
        _ method: String, params: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.notify(method, params), timeout, idleTimeout, options)
    }

    /// Closes the client: every call in flight ends with ``MCPError/Status/closed``; a legacy server is told that the
    /// session is over (on HTTP+SSE the event stream is closed); a server's process is ended; and every later call throws
    /// ``MCPError/Status/closed``.
    ///
    /// The client is closed whatever this throws, and also in a task that is cancelled, where it does not wait for the
    /// server. A second close does nothing.
    ///
    /// - Throws: Why the server could not be told.
    public func close(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await runUnchecked(Calls.close, timeout, idleTimeout, options)
    }

    func run<Result: Sendable>(
        _ operation: @escaping NativeCall<Result>, _ timeout: Duration?, _ idleTimeout: Duration?,
        _ options: CallOptions
    ) async throws -> Result {
        try Task.checkCancellation()
        try rejectReentrantCall()
        return try await runUnchecked(operation, timeout, idleTimeout, options)
    }

    private func runUnchecked<Result: Sendable>(
        _ operation: @escaping NativeCall<Result>, _ timeout: Duration?, _ idleTimeout: Duration?,
        _ options: CallOptions
    ) async throws -> Result {
        let cancel = try CancelToken()
        let options = try NativeOptions(timeout: timeout, idleTimeout: idleTimeout, cancel: cancel, options)
        // Not freed before the thread is done; and not by it.
        defer { withExtendedLifetime(self) {} }
        let inFlight = CallInFlight()
        let call = pending(operation, options, inFlight)
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let started = CallThreads.shared.run { continuation.resume(with: call()) }
                    if !started {
                        continuation.resume(throwing: MCPError(.systemError, "cannot start a thread for the call"))
                    }
                }
            } onCancel: {
                cancel.trigger()
                inFlight.cancel()
            }
        } catch let error as MCPError where error.status == .cancelled {
            throw CancellationError()
        } catch let error as MCPError where error.status == .inputFailed && Task.isCancelled {
            // The handler was cancelled with the call.
            throw CancellationError()
        }
    }
}
