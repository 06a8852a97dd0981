import CMCP

/// A call of the C API, and the conversion of its result.
struct NativeCall<Result>: Sendable {
    /// Calls the function of the C API. If the options have a queue, it returns `MCP_PENDING`, and `result` is nil.
    typealias Function = @Sendable (
        _ client: OpaquePointer, _ options: OpaquePointer?, _ result: DocumentOut?, _ error: ErrorOut
    ) throws(MCPError) -> mcp_status

    let function: Function
    /// Converts the document that the function returns; nil for a function that returns none.
    let convert: @Sendable (JSON?) throws(MCPError) -> Result

    /// Makes the call on this thread, and blocks it until the call has ended.
    func run(_ client: OpaquePointer, _ options: OpaquePointer?) throws(MCPError) -> Result {
        var result: OpaquePointer?
        var error: OpaquePointer?
        if try function(client, options, &result, &error) != MCP_OK {
            throw takeError(error)
        }
        return try convert(result.map { JSON(document: $0) })
    }
}

extension NativeCall {
    /// A call of a function that returns a document.
    init(_ convert: @escaping @Sendable (JSON) -> Result, _ function: @escaping Function) {
        self.function = function
        self.convert = { json throws(MCPError) in
            guard let json else {
                throw MCPError(.internal, "libmcp returned no result")
            }
            return convert(json)
        }
    }
}

private func unchanged(_ json: JSON) -> JSON {
    json
}

extension NativeCall<JSON> {
    /// A call of a function that returns a document.
    init(_ function: @escaping Function) {
        self.init(unchanged, function)
    }
}

extension NativeCall<Void> {
    /// A call of a function that returns no document.
    init(_ function: @escaping Function) {
        self.function = function
        convert = { _ in }
    }
}

/// The calls of the C API. Those for tools, resources, prompts, tasks and changes are extensions in the files of their
/// result types.
enum Calls {
    static let connect = NativeCall<Void> { client, options, _, error in
        mcp_connect(client, options, error)
    }

    static let ping = NativeCall<Void> { client, options, _, error in
        mcp_ping(client, options, error)
    }

    static let serverInfo = NativeCall<JSON> { client, options, result, error in
        mcp_server_info(client, options, result, error)
    }

    static let close = NativeCall<Void> { client, options, _, error in
        mcp_client_close(client, options, error)
    }

    static func request(_ method: String, _ params: JSON?) -> NativeCall<JSON> {
        NativeCall { client, options, result, error throws(MCPError) in
            try rejectNUL("the method", method)
            return withJSONText(params) { mcp_request(client, method, $0, $1, options, result, error) }
        }
    }

    static func notify(_ method: String, _ params: JSON?) -> NativeCall<Void> {
        NativeCall { client, options, _, error throws(MCPError) in
            try rejectNUL("the method", method)
            return withJSONText(params) { mcp_notify(client, method, $0, $1, options, error) }
        }
    }

    static func requestServerLog(_ level: LoggingLevel) -> NativeCall<Void> {
        NativeCall { client, options, _, error throws(MCPError) in
            try rejectNUL("the level", level.rawValue)
            return mcp_request_server_log(client, level.rawValue, options, error)
        }
    }
}
