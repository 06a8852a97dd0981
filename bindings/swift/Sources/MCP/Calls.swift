import CMCP

/// A call of the C API, its client and options given.
typealias Operation<Result> = @Sendable (OpaquePointer, OpaquePointer?) throws(MCPError) -> Result

/// The calls of the C API.
enum Calls {
    @Sendable static func connect(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) {
        try check { mcp_connect(client, options, $0) }
    }

    @Sendable static func ping(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) {
        try check { mcp_ping(client, options, $0) }
    }

    @Sendable static func serverInfo(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) -> JSON {
        var info: OpaquePointer?
        try check { mcp_server_info(client, options, &info, $0) }
        guard let info else {
            throw MCPError(.internal, "libmcp gave no server information")
        }
        return JSON(document: info)
    }

    @Sendable static func close(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) {
        try check { mcp_client_close(client, options, $0) }
    }
}

/// The options of a call.
struct CallOptions {
    let owned = Owned(mcp_options_new(), mcp_options_free)

    init(timeout: Duration?, idleTimeout: Duration?, cancel: CancelToken?) throws(MCPError) {
        if let milliseconds = try timeout?.milliseconds("the timeout") {
            try owned.use { options throws(MCPError) in
                try check { mcp_options_set_timeout(options, milliseconds, $0) }
            }
        }
        if let milliseconds = try idleTimeout?.milliseconds("the idle limit") {
            try owned.use { options throws(MCPError) in
                try check { mcp_options_set_idle_timeout(options, milliseconds, $0) }
            }
        }
        if let cancel {
            try owned.use { options throws(MCPError) in
                try cancel.owned.use { token throws(MCPError) in
                    try check { mcp_options_set_cancel(options, token, $0) }
                }
            }
        }
    }
}
