extension Client {
    /// The calls of this client in a form that blocks the thread, for code that does not use tasks.
    ///
    ///     try client.blocking.ping(timeout: .seconds(5))
    public var blocking: Blocking {
        Blocking(client: self)
    }

    /// The calls of a client in a form that blocks the thread. Do not use them in tasks, directly or indirectly: they
    /// would block a thread of Swift's cooperative pool.
    ///
    /// `timeout`, `idleTimeout` and `options` have the same meaning as in the asynchronous calls. Triggering the
    /// `cancel` token ends the call early, with ``MCPError/Status/cancelled``. Each call can be made on any thread.
    public struct Blocking: Sendable {
        let client: Client

        /// Connects to the server and blocks until the session is ready. Optional: every call connects when needed.
        /// Results and errors: ``Client/connect(timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.connect()")
        public func connect(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try run(Calls.connect, timeout, idleTimeout, cancel, options)
        }

        /// Checks that the server is reachable and responds; blocks until it does. Results and errors:
        /// ``Client/ping(timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.ping()")
        public func ping(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try run(Calls.ping, timeout, idleTimeout, cancel, options)
        }

        /// Returns what the server reported about itself when the client connected; blocks while connecting. Results
        /// and errors: ``Client/serverInfo(timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.serverInfo()")
        public func serverInfo(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) -> JSON {
            try run(Calls.serverInfo, timeout, idleTimeout, cancel, options)
        }

        /// Requests the server's log messages of this level and above; blocks until a legacy server has responded.
        /// Results and errors: ``Client/requestServerLog(_:timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.requestServerLog()")
        public func requestServerLog(
            _ level: LoggingLevel, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try run(Calls.requestServerLog(level), timeout, idleTimeout, cancel, options)
        }

        /// Sends a request with any method and blocks until its result arrives. Results and errors:
        /// ``Client/request(_:params:timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.request()")
        public func request(
            _ method: String, params: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
            cancel: CancelToken? = nil, options: CallOptions = CallOptions()
        ) throws(MCPError) -> JSON {
            try run(Calls.request(method, params), timeout, idleTimeout, cancel, options)
        }

        /// Sends a notification with any method and blocks until the server has received it (not if the server is a
        /// process). Results and errors: ``Client/notify(_:params:timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.notify()")
        public func notify(
            _ method: String, params: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
            cancel: CancelToken? = nil, options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try run(Calls.notify(method, params), timeout, idleTimeout, cancel, options)
        }

        /// Listens for changes and blocks until the server ends the subscription or the `cancel` token is triggered.
        /// The closure receives the changes on this thread; it may make calls on the same client. Which changes are
        /// reported, and errors: ``Client/listen(to:resources:timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use client.listen(to:)")
        public func listen(
            to changes: ChangeSet, resources uris: [String] = [], timeout: Duration? = nil,
            idleTimeout: Duration? = nil, cancel: CancelToken? = nil, options: CallOptions = CallOptions(),
            receive: @escaping ChangeClosure
        ) throws(MCPError) {
            try run(Calls.listen(changes, uris, receive), timeout, idleTimeout, cancel, options)
        }

        /// Closes the client and blocks until the server has been notified. Results and errors:
        /// ``Client/close(timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.close()")
        public func close(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try runUnchecked(Calls.close, timeout, idleTimeout, cancel, options)
        }

        func run<Value>(
            _ call: NativeCall<Value>, _ timeout: Duration?, _ idleTimeout: Duration?, _ cancel: CancelToken?,
            _ options: CallOptions
        ) throws(MCPError) -> Value {
            try client.rejectReentrantCall()
            return try runUnchecked(call, timeout, idleTimeout, cancel, options)
        }

        /// Runs the call without the check for re-entrant calls: `close` is always allowed.
        private func runUnchecked<Value>(
            _ call: NativeCall<Value>, _ timeout: Duration?, _ idleTimeout: Duration?, _ cancel: CancelToken?,
            _ options: CallOptions
        ) throws(MCPError) -> Value {
            let receiver = options.progress.map { ProgressReceiver($0) }
            let options = try NativeOptions(
                timeout: timeout, idleTimeout: idleTimeout, cancel: cancel, options, progress: receiver?.receive)
            do throws(MCPError) {
                return try client.use { client throws(MCPError) in
                    try options.owned.use { options throws(MCPError) in try call.run(client, options) }
                }
            } catch {
                throw receiver?.explained(error) ?? error
            }
        }
    }
}
