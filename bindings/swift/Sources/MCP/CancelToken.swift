import CMCP

/// Ends blocking calls early: those of ``Client/blocking`` that are given it. It works once: after ``trigger()``, every
/// call with this token, also a later one, throws ``MCPError/Status/cancelled``.
///
/// A blocked call ends within 50 ms of the trigger, whatever it is waiting for, and the client stays usable.
/// Asynchronous calls need none: they end when their task is cancelled.
public struct CancelToken: Sendable {
    let owned: Owned

    /// Makes a token.
    ///
    /// - Throws: ``MCPError/Status/systemError`` when no descriptor can be had.
    public init() throws(MCPError) {
        guard let token = mcp_cancel_new() else {
            throw MCPError(.systemError, "cannot create a cancel token: no file descriptor is available")
        }
        owned = Owned(token, mcp_cancel_free)
    }

    /// Ends the calls. Any thread, any time; a second time does nothing.
    public func trigger() {
        owned.use { mcp_cancel_trigger($0) }
    }
}
