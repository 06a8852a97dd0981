import CMCP

/// Ends blocking calls early: those of ``Client/blocking`` that take it as `cancel`. It can be triggered once: after
/// ``trigger()``, every current and later call with this token throws ``MCPError/Status/cancelled``.
///
/// A blocked call ends within 50 ms after the trigger, and the client stays usable. Asynchronous calls need no token:
/// they end when their task is cancelled.
public struct CancelToken: Sendable {
    let owned: Owned

    /// Creates a token.
    ///
    /// - Throws: ``MCPError/Status/systemError`` when no file descriptor is available.
    public init() throws(MCPError) {
        guard let token = mcp_cancel_new() else {
            throw MCPError(.systemError, "cannot create a cancel token: no file descriptor is available")
        }
        owned = Owned(token, mcp_cancel_free)
    }

    /// Ends the calls with this token. May be called on any thread at any time; later calls have no effect.
    public func trigger() {
        owned.use { mcp_cancel_trigger($0) }
    }
}
