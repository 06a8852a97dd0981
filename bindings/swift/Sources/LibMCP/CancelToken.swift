import CMCP

/// Ends blocking calls early: those of ``Client/blocking`` that take it as `cancel`. After ``trigger()``, every current
/// and later call with this token throws ``MCPError/Status/cancelled``.
///
/// A blocked call ends within 50 ms after the trigger, and the client stays usable. Asynchronous calls need no token:
/// they end when their task is cancelled.
public struct CancelToken: Sendable {
    let owned = Owned(mcp_cancel_new(), mcp_cancel_free)

    /// Creates a token.
    public init() {}

    /// Ends the calls with this token. May be called on any thread at any time; later calls have no effect.
    public func trigger() {
        owned.use { mcp_cancel_trigger($0) }
    }

    /// Whether the token is triggered.
    public var isTriggered: Bool {
        owned.use { mcp_cancel_is_triggered($0) }
    }

    /// Makes a triggered token usable again. Reset it when all calls that it cancels have returned: a call that has not
    /// noticed the trigger yet continues.
    public func reset() {
        owned.use { mcp_cancel_reset($0) }
    }
}
