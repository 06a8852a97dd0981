import CMCP

/// The lists that ``Client/listen(to:resources:timeout:idleTimeout:options:)`` can listen for.
public struct ChangeSet: OptionSet, Sendable {
    /// The sum of the numbers of the C API.
    public let rawValue: UInt32

    /// Changes by the sum of their numbers of the C API.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    private init(_ change: mcp_change) {
        rawValue = UInt32(change.rawValue)
    }

    /// The list of tools.
    public static let tools = ChangeSet(MCP_CHANGE_TOOLS)
    /// The list of prompts.
    public static let prompts = ChangeSet(MCP_CHANGE_PROMPTS)
    /// The list of resources.
    public static let resources = ChangeSet(MCP_CHANGE_RESOURCES)
}

/// Something that changed at the server.
public struct Change: Sendable {
    /// What the server said: "notifications/tools/list_changed", "notifications/prompts/list_changed",
    /// "notifications/resources/list_changed" or "notifications/resources/updated".
    public let method: String
    /// The parameters, where there are any.
    public let params: JSON?

    /// The resource whose contents changed; nil where it is a list that did.
    public var uri: String? { method == "notifications/resources/updated" ? params?["uri"]?.string : nil }
}

extension Client {
    /// Listens for changes of lists, and of the contents of resources that are named by their URIs, from now on until
    /// somebody ends it. The timeout governs the opening only.
    ///
    ///     for try await change in client.listen(to: [.tools], resources: ["file:///notes.txt"]) {
    ///         print(change.uri ?? "the tools", "changed")
    ///     }
    ///
    /// On modern servers it is a subscription (specification 2026-07-28, "Subscriptions"); on legacy ones
    /// `resources/subscribe` and the standing event stream. When the connection breaks it is opened again, five times in a
    /// row; what changed meanwhile is not told. The server may not watch all that is asked for; the log says what it does.
    ///
    /// It ends when the task that goes through the changes is cancelled, when nobody goes through them any more, and when
    /// the server has ended the subscription in good order; otherwise it throws why nothing can be heard, such as
    /// ``MCPError/Status/closed``. Changes that nobody has taken yet are kept.
    public func listen(
        to changes: ChangeSet, resources uris: [String] = [], timeout: Duration? = nil, idleTimeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) -> AsyncThrowingStream<Change, any Error> {
        stream { receive in
            try await self.run(Calls.listen(changes, uris, receive), timeout, idleTimeout, options)
        }
    }
}

/// Receives a change.
public typealias ChangeClosure = @Sendable (_ change: Change) -> Void

extension Calls {
    static func listen(
        _ changes: ChangeSet, _ uris: [String], _ receive: @escaping ChangeClosure
    ) -> NativeCall<Void> {
        { client, options throws(MCPError) in
            for uri in uris {
                try rejectNUL("the URI", uri)
            }
            let receiver = Box(receive)
            defer { withExtendedLifetime(receiver) {} }
            let userdata = Unmanaged.passUnretained(receiver).toOpaque()
            try check { error in
                withCStrings(uris) {
                    mcp_listen(client, changes.rawValue, $0, changeTrampoline, userdata, options, error)
                }
            }
        }
    }
}

private func changeTrampoline(
    _ userdata: UnsafeMutableRawPointer?, _ method: UnsafePointer<CChar>, _ params: OpaquePointer?
) {
    guard let userdata else { return }
    let change = Change(method: String(cString: method), params: params.flatMap { try? JSON(copying: $0) })
    Box<ChangeClosure>.at(userdata).content(change)
}
