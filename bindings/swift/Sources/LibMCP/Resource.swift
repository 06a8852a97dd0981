import CMCP
import Foundation

/// A resource that the server provides.
public struct Resource: Sendable, ListElement {
    /// The complete resource as the server sent it.
    public let json: JSON

    /// The URI that identifies the resource in ``Client/readResource(_:timeout:idleTimeout:options:)``.
    public var uri: String { json["uri"]?.string ?? "" }
    /// The name of the resource.
    public var name: String { json["name"]?.string ?? "" }
    /// A display name.
    public var title: String? { json["title"]?.string }
    /// A description of the resource.
    public var description: String? { json["description"]?.string }
    /// The MIME type of the contents, such as "text/plain".
    public var mimeType: String? { json["mimeType"]?.string }
    /// The size of the contents in bytes.
    public var size: Int? { json["size"]?.int }
    /// Hints for clients, such as "audience".
    public var annotations: JSON? { json["annotations"] }
    /// The `_meta` object of the resource.
    public var meta: JSON? { json["_meta"] }

    static let key = "resources"
    static var list: ListFunction { mcp_list_resources }
    static var listPage: PageFunction { mcp_list_resources_page }
}

/// A template for resources that the server provides.
public struct ResourceTemplate: Sendable, ListElement {
    /// The complete template as the server sent it.
    public let json: JSON

    /// The URI template (RFC 6570): with its variables filled in, it is the URI of a resource.
    public var uriTemplate: String { json["uriTemplate"]?.string ?? "" }
    /// The name of the template.
    public var name: String { json["name"]?.string ?? "" }
    /// A display name.
    public var title: String? { json["title"]?.string }
    /// A description of the template's resources.
    public var description: String? { json["description"]?.string }
    /// The MIME type that the contents of all its resources have, such as "text/plain".
    public var mimeType: String? { json["mimeType"]?.string }
    /// Hints for clients, such as "audience".
    public var annotations: JSON? { json["annotations"] }
    /// The `_meta` object of the template.
    public var meta: JSON? { json["_meta"] }

    static let key = "resourceTemplates"
    static var list: ListFunction { mcp_list_resource_templates }
    static var listPage: PageFunction { mcp_list_resource_templates_page }
}

/// The contents of a resource, or of a part of it.
public struct ResourceContents: Sendable {
    /// The complete contents as the server sent them.
    public let json: JSON

    /// The URI of the resource or part.
    public var uri: String { json["uri"]?.string ?? "" }
    /// The MIME type, such as "text/plain".
    public var mimeType: String? { json["mimeType"]?.string }
    /// The text; nil if the contents are binary.
    public var text: String? { json["text"]?.string }
    /// The decoded bytes; nil if the contents are text.
    public var blob: Data? { json["blob"]?.base64 }
    /// The `_meta` object of the contents.
    public var meta: JSON? { json["_meta"] }
}

/// The result of reading a resource.
public struct ReadResourceResult: Sendable {
    /// The complete result as the server sent it.
    public let json: JSON

    /// The contents of the resource; several if it has parts.
    public var contents: [ResourceContents] { json["contents"]?.elements.map(ResourceContents.init) ?? [] }
    /// The `_meta` object of the result.
    public var meta: JSON? { json["_meta"] }
}

extension Calls {
    static func readResource(_ uri: String) -> NativeCall<ReadResourceResult> {
        NativeCall(ReadResourceResult.init) { client, options, result, error throws(MCPError) in
            try rejectNUL("the URI", uri)
            return mcp_read_resource(client, uri, options, result, error)
        }
    }
}
