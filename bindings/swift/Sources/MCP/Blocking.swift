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
    /// `timeout` and `idleTimeout` are those of the asynchronous calls; the `cancel` token ends the call early, with
    /// ``MCPError/Status/cancelled``.
    public struct Blocking: Sendable {
        let client: Client

        /// As ``Client/connect(timeout:idleTimeout:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.connect()")
        public func connect(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil
        ) throws(MCPError) {
            try client.refuseWithinAuth()
            try run(Calls.connect, timeout, idleTimeout, cancel)
        }

        /// As ``Client/ping(timeout:idleTimeout:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.ping()")
        public func ping(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil
        ) throws(MCPError) {
            try client.refuseWithinAuth()
            try run(Calls.ping, timeout, idleTimeout, cancel)
        }

        /// As ``Client/serverInfo(timeout:idleTimeout:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.serverInfo()")
        public func serverInfo(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil
        ) throws(MCPError) -> JSON {
            try client.refuseWithinAuth()
            return try run(Calls.serverInfo, timeout, idleTimeout, cancel)
        }

        /// As ``Client/close(timeout:idleTimeout:)``.
        @available(*, noasync, message: "it blocks the thread; use await client.close()")
        public func close(
            timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil
        ) throws(MCPError) {
            try run(Calls.close, timeout, idleTimeout, cancel)
        }

        private func run<Result>(
            _ operation: Operation<Result>, _ timeout: Duration?, _ idleTimeout: Duration?, _ cancel: CancelToken?
        ) throws(MCPError) -> Result {
            let options = try CallOptions(timeout: timeout, idleTimeout: idleTimeout, cancel: cancel)
            return try client.use { client throws(MCPError) in
                try options.owned.use { options throws(MCPError) in try operation(client, options) }
            }
        }
    }
}
