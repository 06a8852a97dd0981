import CMCP
import Foundation

/// A resource of the server's.
public struct Resource: Sendable, ListElement {
    /// The resource as it came: what has no property here is in it.
    public let json: JSON

    /// What it is read by.
    public var uri: String { json["uri"]?.string ?? "" }
    /// What it is called.
    public var name: String { json["name"]?.string ?? "" }
    /// A name for people.
    public var title: String? { json["title"]?.string }
    /// What it is.
    public var description: String? { json["description"]?.string }
    /// What its contents are, such as "text/plain".
    public var mimeType: String? { json["mimeType"]?.string }
    /// The number of its bytes.
    public var size: Int? { json["size"]?.int }
    /// Hints, such as "audience".
    public var annotations: JSON? { json["annotations"] }
    /// Its `_meta`.
    public var meta: JSON? { json["_meta"] }

    static let key = "resources"
    static var list: ListFunction { mcp_list_resources }
    static var listPage: PageFunction { mcp_list_resources_page }
}

/// A template for resources of the server's.
public struct ResourceTemplate: Sendable, ListElement {
    /// The template as it came: what has no property here is in it.
    public let json: JSON

    /// What gives the URI of a resource when its variables are filled in (RFC 6570).
    public var uriTemplate: String { json["uriTemplate"]?.string ?? "" }
    /// What it is called.
    public var name: String { json["name"]?.string ?? "" }
    /// A name for people.
    public var title: String? { json["title"]?.string }
    /// What its resources are.
    public var description: String? { json["description"]?.string }
    /// What all of their contents are, such as "text/plain".
    public var mimeType: String? { json["mimeType"]?.string }
    /// Hints, such as "audience".
    public var annotations: JSON? { json["annotations"] }
    /// Its `_meta`.
    public var meta: JSON? { json["_meta"] }

    static let key = "resourceTemplates"
    static var list: ListFunction { mcp_list_resource_templates }
    static var listPage: PageFunction { mcp_list_resource_templates_page }
}

/// What is in a resource, or a part of it.
public struct ResourceContents: Sendable {
    /// The contents as they came.
    public let json: JSON

    /// Where they are from.
    public var uri: String { json["uri"]?.string ?? "" }
    /// What they are, such as "text/plain".
    public var mimeType: String? { json["mimeType"]?.string }
    /// The text; nil where they are bytes.
    public var text: String? { json["text"]?.string }
    /// The bytes, decoded; nil where they are text.
    public var blob: Data? { json["blob"]?.base64 }
    /// Their `_meta`.
    public var meta: JSON? { json["_meta"] }
}

/// What reading a resource gave.
public struct ReadResourceResult: Sendable {
    /// The result as it came.
    public let json: JSON

    /// What is in the resource; several where it has parts.
    public var contents: [ResourceContents] { json["contents"]?.elements.map(ResourceContents.init) ?? [] }
    /// Its `_meta`.
    public var meta: JSON? { json["_meta"] }
}

extension Calls {
    static func readResource(_ uri: String) -> NativeCall<ReadResourceResult> {
        { client, options throws(MCPError) in
            try rejectNUL("the URI", uri)
            return ReadResourceResult(json: try document { mcp_read_resource(client, uri, options, $0, $1) })
        }
    }
}
