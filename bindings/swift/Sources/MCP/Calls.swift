import CMCP

/// A call of the C API that takes a client and options.
typealias NativeCall<Result> = @Sendable (OpaquePointer, OpaquePointer?) throws(MCPError) -> Result

/// The calls of the C API. Those for tools, resources, prompts, tasks and changes are extensions in the files of their
/// result types.
enum Calls {
    @Sendable static func connect(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) {
        try check { mcp_connect(client, options, $0) }
    }

    @Sendable static func ping(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) {
        try check { mcp_ping(client, options, $0) }
    }

    @Sendable static func serverInfo(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) -> JSON {
        try document { mcp_server_info(client, options, $0, $1) }
    }

    @Sendable static func close(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) {
        try check { mcp_client_close(client, options, $0) }
    }

    static func request(_ method: String, _ params: JSON?) -> NativeCall<JSON> {
        { client, options throws(MCPError) in
            try rejectNUL("the method", method)
            return try document { result, error in
                withJSONText(params) { mcp_request(client, method, $0, $1, options, result, error) }
            }
        }
    }

    static func notify(_ method: String, _ params: JSON?) -> NativeCall<Void> {
        { client, options throws(MCPError) in
            try rejectNUL("the method", method)
            try check { error in
                withJSONText(params) { mcp_notify(client, method, $0, $1, options, error) }
            }
        }
    }

    static func setLoggingLevel(_ level: LoggingLevel) -> NativeCall<Void> {
        { client, options throws(MCPError) in
            try rejectNUL("the level", level.rawValue)
            try check { mcp_set_logging_level(client, level.rawValue, options, $0) }
        }
    }
}
