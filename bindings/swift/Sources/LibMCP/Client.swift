import CMCP
import Foundation

/// A client of one MCP server.
///
///     let client = try Client("https://example.com/mcp", bearer: token)
///     try await client.ping()
///
/// Many tasks and threads may use a client at the same time, also for the first call: they share one negotiation. The
/// client manages connections, the session and the protocol version; a lost session is re-established.
///
/// The client is freed with its last reference, without network access. To end the session with the server gracefully,
/// call ``close(timeout:idleTimeout:options:)`` first. Freeing a client of an HTTP+SSE server waits for a closure that
/// runs on the event stream's thread; freeing a client of a server process waits until the process has ended.
///
/// After `fork`, the child process cannot use clients of its parent: calls throw ``MCPError/Status/misuse``.
public final class Client: @unchecked Sendable {
    private let pointer: OpaquePointer
    /// Guards `oauth`. Recursive: releasing a closure may run a deinitializer that calls another setter.
    private let oauthLock = NSRecursiveLock()
    /// The object of the C client, to detect calls inside its closures.
    private var oauth: OAuth?

    /// Takes ownership of a client of the C API.
    init(_ made: OpaquePointer) {
        pointer = made
    }

    deinit {
        mcp_client_free(pointer)
    }

    /// Whether a call of this client may wait for the closure that runs in this task.
    var isAwaited: Bool {
        let waiting = Client.waiting
        guard !waiting.isEmpty else { return false }
        oauthLock.lock()
        defer { oauthLock.unlock() }
        return waiting.contains(ObjectIdentifier(self)) || oauth.map { waiting.contains($0.id) } ?? false
    }

    /// The name of the client: the one that was set with ``setName(_:)``, or that the server has in its configuration
    /// file; otherwise the host of the URL, or the program.
    public var name: String {
        defer { withExtendedLifetime(self) {} }
        return String(cString: mcp_client_name(pointer))
    }

    /// Calls `body` and keeps the client alive until it returns.
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

    /// Calls a setter of the C API that sets or removes the OAuth object.
    func replaceOAuth(
        by new: OAuth?, _ setter: (_ client: OpaquePointer, _ error: ErrorOut) -> mcp_status
    ) throws(MCPError) {
        oauthLock.lock()
        defer { oauthLock.unlock() }
        try set(setter)
        oauth = new
    }

    /// Makes a call, and waits for its end without blocking a thread.
    func run<Value>(_ call: NativeCall<Value>, _ options: NativeOptions) async throws -> Value {
        // The client and the closure of the call must outlive it.
        defer { withExtendedLifetime((self, call)) {} }
        nonisolated(unsafe) let client = pointer
        let json = try await CompletionQueue.shared().run(options) { options, error throws(MCPError) in
            try call.function(client, options, nil, error)
        }
        return try call.convert(json)
    }
}

extension Client {
    /// Creates a client for the server at `url`, such as "https://example.com/mcp". Nothing is sent yet: the first call
    /// connects.
    ///
    /// - Parameters:
    ///   - url: The server's URL, used unchanged, with or without a slash at its end. Its scheme is http or https; it
    ///     contains
    ///     no user name, no password and only ASCII characters.
    ///   - bearer: The bearer token of every request; see ``setBearer(_:)``.
    ///   - headers: Headers of every request; see ``setHeader(_:to:)``.
    ///   - oauth: Obtains tokens; see ``setOAuth(_:)``.
    /// - Throws: ``MCPError/Status/invalidArgument`` for an invalid URL, token or header,
    ///   ``MCPError/Status/systemError`` when no file descriptor is available.
    public convenience init(
        _ url: String, bearer: String? = nil, headers: [String: String] = [:], oauth: OAuth? = nil
    ) throws(MCPError) {
        try rejectNUL("the URL", url)
        self.init(try make { mcp_client_new(url, $0) })
        if let bearer {
            try setBearer(bearer)
        }
        for (name, value) in headers {
            try setHeader(name, to: value)
        }
        if let oauth {
            try setOAuth(oauth)
        }
    }

    /// Creates a client for the server at `url`. Nothing is sent yet: the first call connects.
    ///
    /// - Parameters:
    ///   - url: The server's URL, used unchanged, with or without a slash at its end. Its scheme is http or https; it
    ///     contains
    ///     no user name, no password and only ASCII characters.
    ///   - bearer: The bearer token of every request; see ``setBearer(_:)``.
    ///   - headers: Headers of every request; see ``setHeader(_:to:)``.
    ///   - oauth: Obtains tokens; see ``setOAuth(_:)``.
    /// - Throws: ``MCPError/Status/invalidArgument`` for an invalid URL, token or header,
    ///   ``MCPError/Status/systemError`` when no file descriptor is available.
    public convenience init(
        _ url: URL, bearer: String? = nil, headers: [String: String] = [:], oauth: OAuth? = nil
    ) throws(MCPError) {
        try self.init(url.absoluteString, bearer: bearer, headers: headers, oauth: oauth)
    }
}

/// The version of libmcp that is loaded at run time, such as "0.1.0".
public var libraryVersion: String {
    String(cString: mcp_version())
}
