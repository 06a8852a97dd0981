import CMCP

/// Whether a client is connected to its server.
public struct ConnectionState: RawRepresentable, Hashable, Sendable {
    /// The `mcp_state` value of the C API.
    public let rawValue: Int32

    /// Creates a state from an `mcp_state` value of the C API. Later versions may add states.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    init(_ state: mcp_state) {
        rawValue = Int32(state.rawValue)
    }

    /// No call has connected yet.
    public static let notConnected = ConnectionState(MCP_STATE_NOT_CONNECTED)
    /// A session is open, or the version of a server without sessions is known.
    public static let connected = ConnectionState(MCP_STATE_CONNECTED)
    /// The session or the connection was lost. The next call connects again; on streams that the program has opened, it
    /// fails.
    public static let lost = ConnectionState(MCP_STATE_LOST)
    /// The process of the server has ended. The next call starts it again.
    public static let processEnded = ConnectionState(MCP_STATE_PROCESS_ENDED)
    /// The client was closed.
    public static let closed = ConnectionState(MCP_STATE_CLOSED)
}

/// Receives the new state of a client.
public typealias StateClosure = @Sendable (_ state: ConnectionState) -> Void

extension Client {
    /// Sets the closure that receives each change of ``state``, in their order and one at a time.
    ///
    ///     try client.setStateChanged { state in
    ///         print(state == .connected ? "connected" : "not connected")
    ///     }
    ///
    /// The closure runs on the thread that notices the change: it must return soon, and must not make calls on this
    /// client.
    ///
    /// The client retains the closure until it is replaced or the client is freed: capture the client weakly.
    ///
    /// May be called on any thread at any time; takes effect with the next change.
    public func setStateChanged(_ changed: @escaping StateClosure) throws(MCPError) {
        let userdata = Box(changed).retained()
        try set { mcp_set_state_changed($0, stateTrampoline, userdata, releaseBox, $1) }
    }

    /// Removes the closure for changes of the state (none is set by default).
    public func removeStateChanged() throws(MCPError) {
        try set { mcp_set_state_changed($0, nil, nil, nil, $1) }
    }

    /// Returns what another client, in another process, needs to continue the session with ``setSavedSession(_:)``.
    /// Its members include "protocolVersion" and, if a legacy server has assigned an id, "sessionId": then its text
    /// (``JSON/raw``) is a secret, which belongs in a file that only the user can read. It contains no tokens, cookies
    /// or headers. Nothing is sent. Do not close the client, which would end the session.
    ///
    /// - Throws: ``MCPError/Status/misuse`` if the client is not connected.
    public func saveSession() throws(MCPError) -> JSON {
        try use { client throws(MCPError) in
            try document { mcp_save_session(client, $0, $1) }
        }
    }

    /// Lets the first call continue a session that ``saveSession()`` has saved; nil removes it. Over Streamable HTTP,
    /// nothing is negotiated; with HTTP+SSE, only the search for the version and the transport is saved; over stdio it
    /// has no effect, because a new process always negotiates. If the server has lost the session or has another
    /// version, the client negotiates and repeats the request, unless the server may have executed it. Use the
    /// credentials with which the session was saved, and set the same handlers: with other ones, the client negotiates
    /// a new session. A server may permit one event stream for each session: then only one of the processes that share
    /// it receives notifications and requests of the server.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` if the document is invalid, or of another version of the library,
    ///   another server, or a version or transport that the client may not use; ``MCPError/Status/misuse`` after the
    ///   first call that contacted the server.
    public func setSavedSession(_ saved: JSON?) throws(MCPError) {
        try set { client, error in
            withJSONText(saved) { mcp_set_saved_session(client, $0, $1, error) }
        }
    }
}

private func stateTrampoline(_ userdata: UnsafeMutableRawPointer?, _ state: Int32) {
    if let userdata {
        Box<StateClosure>.at(userdata).content(ConnectionState(rawValue: state))
    }
}
