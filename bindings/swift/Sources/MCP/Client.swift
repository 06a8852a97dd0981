import CMCP
import Foundation

/// A client of one MCP server.
///
///     let client = try Client("https://example.com/mcp", bearer: token)
///     try await client.ping()
///
/// A client may be used by many tasks and threads at once, also for the first call: they share one negotiation.
/// Connections, the session and the protocol version are its business; a session that the server loses is opened anew.
///
/// The client is freed with its last reference, without going to the network. To end the session with the server in good
/// order, call ``close(timeout:idleTimeout:options:)`` first. Where the server speaks HTTP+SSE, freeing waits for a closure
/// that runs on the thread of the event stream; where it is a process, for that to end.
///
/// After `fork`, the child cannot use the clients of its parent: calls throw ``MCPError/Status/misuse``.
public final class Client: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Takes over a client of the C API.
    init(_ made: OpaquePointer) {
        pointer = made
    }

    deinit {
        nonisolated(unsafe) let client = pointer
        // A closure that the client waits for lets go of it: to free it here would be to wait for itself.
        let isAwaited = Client.waitingClients.contains(ObjectIdentifier(self))
        if !isAwaited || !CallThreads.shared.run({ mcp_client_free(client) }) {
            mcp_client_free(client)
        }
    }

    /// The client lives until `body` returns.
    func use<Result>(_ body: (OpaquePointer) throws(MCPError) -> Result) throws(MCPError) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(pointer)
    }

    /// Calls a setter of the C API.
    func set(_ setter: (_ client: OpaquePointer, _ error: ErrorOut) -> mcp_status) throws(MCPError) {
        try use { client throws(MCPError) in
            try check { setter(client, $0) }
        }
    }

    /// A call that another thread can make, while the caller holds the client.
    func pending<Value>(
        _ operation: @escaping NativeCall<Value>, _ options: NativeOptions, _ call: CallInFlight
    ) -> @Sendable () -> Result<Value, any Error> {
        nonisolated(unsafe) let client = pointer
        return {
            Client.$call.withValue(call) {
                Result {
                    try options.owned.use { options throws(MCPError) in try operation(client, options) }
                }
            }
        }
    }
}

extension Client {
    /// Makes a client for the server at `url`, such as "https://example.com/mcp". Nothing is sent yet: the first call
    /// connects.
    ///
    /// - Parameters:
    ///   - url: The server's URL, used as it stands, also with or without a slash at its end. It has the scheme http or
    ///     https and holds no user name, no password, and nothing outside ASCII.
    ///   - bearer: The bearer token of every request; see ``setBearer(_:)``.
    ///   - headers: Headers of every request; see ``setHeader(_:to:)``.
    /// - Throws: ``MCPError/Status/invalidArgument`` for what cannot be used, ``MCPError/Status/systemError`` when no
    ///   descriptor can be had.
    public convenience init(_ url: String, bearer: String? = nil, headers: [String: String] = [:]) throws(MCPError) {
        try rejectNUL("the URL", url)
        self.init(try make { mcp_client_new(url, $0) })
        if let bearer {
            try setBearer(bearer)
        }
        for (name, value) in headers {
            try setHeader(name, to: value)
        }
    }

    /// Makes a client for the server at `url`, as the other initializer does.
    public convenience init(_ url: URL, bearer: String? = nil, headers: [String: String] = [:]) throws(MCPError) {
        try self.init(url.absoluteString, bearer: bearer, headers: headers)
    }
}

/// The version of the libmcp that the program runs with, such as "0.1.0".
public var libraryVersion: String {
    String(cString: mcp_version())
}
