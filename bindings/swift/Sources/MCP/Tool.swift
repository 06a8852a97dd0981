import CMCP

/// A tool of the server's.
public struct Tool: Sendable, ListElement {
    /// The tool as it came: what has no property here is in it.
    public let json: JSON

    /// What it is called by.
    public var name: String { json["name"]?.string ?? "" }
    /// A name for people.
    public var title: String? { json["title"]?.string }
    /// What it does.
    public var description: String? { json["description"]?.string }
    /// The JSON schema of its arguments.
    public var inputSchema: JSON? { json["inputSchema"] }
    /// The JSON schema of its structured content.
    public var outputSchema: JSON? { json["outputSchema"] }
    /// Hints, such as "readOnlyHint"; not to be trusted unless the server is.
    public var annotations: JSON? { json["annotations"] }
    /// Its `_meta`.
    public var meta: JSON? { json["_meta"] }

    static let key = "tools"
    static var list: ListFunction { mcp_list_tools }
    static var listPage: PageFunction { mcp_list_tools_page }
}

/// What a tool has to say.
public struct ToolResult: Sendable {
    /// The result as it came.
    public let json: JSON

    /// What it says: objects with a "type", such as "text", "image" or "resource".
    public var content: [JSON] { json["content"].map { Array($0.elements) } ?? [] }
    /// Its texts, each on a line of its own: those of its blocks of the type "text", and those of embedded resources; ""
    /// where it has none.
    public var text: String { json.use { String(cString: mcp_tool_result_text($0)) } }
    /// The same for programs, as the tool's ``Tool/outputSchema`` promises it, which nobody has checked.
    public var structuredContent: JSON? { json.subvalue { mcp_tool_result_structured($0) } }
    /// Whether the tool failed. Calls throw such a result, as a ``ToolError``.
    public var isError: Bool { json.use { mcp_tool_result_is_error($0) } }
    /// Its `_meta`.
    public var meta: JSON? { json["_meta"] }

    func successful() throws(ToolError) -> ToolResult {
        if isError {
            throw ToolError(result: self)
        }
        return self
    }
}

extension Calls {
    static func callTool(_ name: String, _ arguments: JSON?) -> NativeCall<ToolResult> {
        { client, options throws(MCPError) in
            try rejectNUL("the name of the tool", name)
            let result = try document { result, error in
                withJSONText(arguments) { mcp_call_tool(client, name, $0, $1, options, result, error) }
            }
            return ToolResult(json: result)
        }
    }
}
