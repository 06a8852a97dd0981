import CMCP

/// The lists whose changes ``Client/listen(to:resources:timeout:idleTimeout:options:)`` reports.
public struct ChangeSet: OptionSet, Sendable {
    /// The sum of the `mcp_change` values of the C API.
    public let rawValue: UInt32

    /// Creates a set from the sum of `mcp_change` values of the C API.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    private init(_ change: mcp_change) {
        rawValue = UInt32(change.rawValue)
    }

    /// Changes of the list of tools.
    public static let tools = ChangeSet(MCP_CHANGE_TOOLS)
    /// Changes of the list of prompts.
    public static let prompts = ChangeSet(MCP_CHANGE_PROMPTS)
    /// Changes of the list of resources.
    public static let resources = ChangeSet(MCP_CHANGE_RESOURCES)
}

/// A change notification of the server.
public struct Change: Sendable {
    /// The method of the notification: "notifications/tools/list_changed", "notifications/prompts/list_changed",
    /// "notifications/resources/list_changed" or "notifications/resources/updated".
    public let method: String
    /// The parameters of the notification; nil if there are none.
    public let params: JSON?

    /// The URI of the resource whose contents changed; nil if a list changed.
    public var uri: String? { method == "notifications/resources/updated" ? params?["uri"]?.string : nil }
}

extension Client {
    /// Listens for changes of lists, and of the contents of the resources with the given URIs. Listening starts at
    /// once, not with the first iteration. The timeout applies only until the subscription is established.
    ///
    ///     for try await change in client.listen(to: [.tools], resources: ["file:///notes.txt"]) {
    ///         print(change.uri ?? "the tools", "changed")
    ///     }
    ///
    /// On modern servers this is a subscription (specification 2026-07-28, "Subscriptions"); on legacy servers it uses
    /// `resources/subscribe` and the server's event stream. A broken connection is re-established; listening fails
    /// after five failed attempts in a row. Changes that happen in the meantime are not reported. The server may watch
    /// less than requested; the log shows what it watches.
    ///
    /// The sequence ends when the iterating task is cancelled, when iteration stops, or when the server ends the
    /// subscription gracefully. Otherwise it throws the reason, such as ``MCPError/Status/closed``. Changes that have
    /// not been consumed yet are buffered.
    public func listen(
        to changes: ChangeSet, resources uris: [String] = [], timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) -> AsyncThrowingStream<Change, any Error> {
        stream { receive in
            try await self.run(Calls.listen(changes, uris, receive), timeout, idleTimeout, options)
        }
    }
}

/// Receives change notifications.
public typealias ChangeClosure = @Sendable (_ change: Change) -> Void

extension Calls {
    static func listen(
        _ changes: ChangeSet, _ uris: [String], _ receive: @escaping ChangeClosure
    ) -> NativeCall<Void> {
        NativeCall { client, options, _, error throws(MCPError) in
            for uri in uris {
                try rejectNUL("the URI", uri)
            }
            let userdata = Box(receive).retained()
            return withCStrings(uris) {
                mcp_listen(client, changes.rawValue, $0, changeTrampoline, userdata, releaseBox, options, error)
            }
        }
    }
}

private func changeTrampoline(
    _ userdata: UnsafeMutableRawPointer?, _ method: UnsafePointer<CChar>, _ params: OpaquePointer?
) {
    guard let userdata else { return }
    let change = Change(method: String(cString: method), params: params.map { JSON(copying: $0) })
    Box<ChangeClosure>.at(userdata).content(change)
}
