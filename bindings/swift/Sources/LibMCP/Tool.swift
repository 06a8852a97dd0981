import CMCP
import Foundation

/// A tool that the server provides.
public struct Tool: Sendable, ListElement {
    /// The complete tool as the server sent it.
    public let json: JSON

    /// The name that identifies the tool in calls.
    public var name: String { json["name"]?.string ?? "" }
    /// A display name.
    public var title: String? { json["title"]?.string }
    /// A description of the tool.
    public var description: String? { json["description"]?.string }
    /// The JSON schema of the arguments.
    public var inputSchema: JSON? { json["inputSchema"] }
    /// The JSON schema of the structured content.
    public var outputSchema: JSON? { json["outputSchema"] }
    /// Hints, such as "readOnlyHint". Do not trust them unless you trust the server.
    public var annotations: JSON? { json["annotations"] }
    /// The `_meta` object of the tool.
    public var meta: JSON? { json["_meta"] }

    static let key = "tools"
    static var list: ListFunction { mcp_list_tools }
    static var listPage: PageFunction { mcp_list_tools_page }
}

/// The result of a tool.
public struct ToolResult: Sendable {
    /// The complete result as the server sent it.
    public let json: JSON

    /// The content blocks: objects with a "type", such as "text", "image" or "resource".
    public var content: [JSON] { json["content"].map { Array($0.elements) } ?? [] }
    /// The texts of the content blocks of the type "text" and of embedded resources, joined with line breaks; "" if
    /// there are none.
    public var text: String { json.use { String(cString: mcp_tool_result_text($0)) } }
    /// The structured content. It should match the tool's ``Tool/outputSchema``, but is not validated. nil if there is
    /// none.
    public var structuredContent: JSON? { json.subvalue { mcp_tool_result_structured($0) } }
    /// Whether the tool reports that it failed. Calls throw such a result as a ``ToolError``.
    public var isError: Bool { json.use { mcp_tool_result_is_error($0) } }
    /// The `_meta` object of the result.
    public var meta: JSON? { json["_meta"] }

    /// Decodes the structured content, or if there is none, the text as JSON.
    ///
    /// Structured content was an object before 2026-07-28. FastMCP sends another value as the member "result" of an
    /// object, and marks it in ``meta``: then that value is decoded.
    ///
    /// - Throws: ``MCPError/Status/invalidJSON`` if there is no structured content and the text is not JSON; the
    ///   decoder's error: `DecodingError`.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, using decoder: JSONDecoder = JSONDecoder()
    ) throws -> Value {
        guard let content = structuredContent else {
            return try JSON(parsing: text).decode(type, using: decoder)
        }
        let isWrapped = meta?["fastmcp"]?["wrap_result"]?.bool == true
        return try (isWrapped ? content["result"] ?? content : content).decode(type, using: decoder)
    }

    func successful() throws(ToolError) -> ToolResult {
        if isError {
            throw ToolError(result: self)
        }
        return self
    }
}

extension Calls {
    static func callTool(_ name: String, _ arguments: JSON?) -> NativeCall<ToolResult> {
        NativeCall(ToolResult.init) { client, options, result, error throws(MCPError) in
            try rejectNUL("the name of the tool", name)
            return withJSONText(arguments) { mcp_call_tool(client, name, $0, $1, options, result, error) }
        }
    }
}
