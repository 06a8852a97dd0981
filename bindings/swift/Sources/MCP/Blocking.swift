extension Client {
    /// The calls in a form that blocks the thread, for programs without tasks.
    ///
    ///     try client.blocking.ping(timeout: .seconds(5))
    public var blocking: Blocking {
        Blocking(client: self)
    }

    /// The calls of a client in a form that blocks the thread. Do not use them in tasks, not by a detour either: a thread
    /// of Swift's cooperative pool would wait.
    ///
    /// `timeout`, `idleTimeout` and `options` are those of the asynchronous calls; the `cancel` token ends the call early, with
    /// ``MCPError/Status/cancelled``.
    public struct Blocking: Sendable {
        let client: Client

        /// As ``Client/connect(timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.connect()")
        public func connect(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try run(Calls.connect, timeout, idleTimeout, cancel, options)
        }

        /// As ``Client/ping(timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.ping()")
        public func ping(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try run(Calls.ping, timeout, idleTimeout, cancel, options)
        }

        /// As ``Client/serverInfo(timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.serverInfo()")
        public func serverInfo(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) -> JSON {
            try run(Calls.serverInfo, timeout, idleTimeout, cancel, options)
        }

        /// As ``Client/setLoggingLevel(_:timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.setLoggingLevel()")
        public func setLoggingLevel(
            _ level: LoggingLevel, timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try run(Calls.setLoggingLevel(level), timeout, idleTimeout, cancel, options)
        }

        /// As ``Client/request(_:params:timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.request()")
        public func request(
            _ method: String, params: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
            cancel: CancelToken? = nil, options: CallOptions = CallOptions()
        ) throws(MCPError) -> JSON {
            try run(Calls.request(method, params), timeout, idleTimeout, cancel, options)
        }

        /// As ``Client/notify(_:params:timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.notify()")
        public func notify(
            _ method: String, params: JSON? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
            cancel: CancelToken? = nil, options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try run(Calls.notify(method, params), timeout, idleTimeout, cancel, options)
        }

        /// As ``Client/listen(to:resources:timeout:idleTimeout:options:)``, until the server or the `cancel` token ends
        /// it. The closure receives the changes on this thread; it may make calls on the same client.
        @available(*, noasync, message: "it blocks the thread; use client.listen(to:)")
        public func listen(
            to changes: ChangeSet, resources uris: [String] = [], timeout: Duration? = nil,
            idleTimeout: Duration? = nil, cancel: CancelToken? = nil, options: CallOptions = CallOptions(),
            receive: @escaping ChangeClosure
        ) throws(MCPError) {
            try run(Calls.listen(changes, uris, receive), timeout, idleTimeout, cancel, options)
        }

        /// As ``Client/close(timeout:idleTimeout:options:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.close()")
        public func close(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
            options: CallOptions = CallOptions()
        ) throws(MCPError) {
            try runUnchecked(Calls.close, timeout, idleTimeout, cancel, options)
        }

        func run<Value>(
            _ operation: NativeCall<Value>, _ timeout: Duration?, _ idleTimeout: Duration?, _ cancel: CancelToken?,
            _ options: CallOptions
        ) throws(MCPError) -> Value {
            try client.rejectReentrantCall()
            return try runUnchecked(operation, timeout, idleTimeout, cancel, options)
        }

        private func runUnchecked<Value>(
            _ operation: NativeCall<Value>, _ timeout: Duration?, _ idleTimeout: Duration?, _ cancel: CancelToken?,
            _ options: CallOptions
        ) throws(MCPError) -> Value {
            let options = try NativeOptions(timeout: timeout, idleTimeout: idleTimeout, cancel: cancel, options)
            let result = Client.$call.withValue(CallInFlight()) {
                Result { () throws(MCPError) in
                    try client.use { client throws(MCPError) in
                        try options.owned.use { options throws(MCPError) in try operation(client, options) }
                    }
                }
            }
            return try result.get()
        }
    }
}
