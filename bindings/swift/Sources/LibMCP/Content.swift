import CMCP
import Foundation

/// A block of a tool's result, or the content of a prompt's message (specification 2026-07-28, "Tools": Tool Result).
///
///     for block in result.content {
///         switch block {
///         case .text(let text): print(text)
///         case .image(let image): show(image.data, image.mimeType)
///         case .resourceLink(let resource): print("see", resource.uri)
///         default: break
///         }
///     }
public enum Content: Sendable {
    /// A text.
    case text(String)
    /// An image.
    case image(Media)
    /// Sound.
    case audio(Media)
    /// A link to a resource, to be read with ``Client/readResource(_:timeout:idleTimeout:options:)``.
    case resourceLink(Resource)
    /// A resource with its contents.
    case resource(ResourceContents)
    /// A block of another type, or one without a member that its type requires, as the server sent it.
    case other(JSON)

    /// Reads a block of content, such as the "content" of a sampling's message.
    public init(_ json: JSON) {
        switch json.use(mcp_content_type_of) {
        case MCP_CONTENT_TEXT: self = json["text"]?.string.map { .text($0) } ?? .other(json)
        case MCP_CONTENT_IMAGE: self = .image(Media(json: json))
        case MCP_CONTENT_AUDIO: self = .audio(Media(json: json))
        case MCP_CONTENT_RESOURCE_LINK: self = .resourceLink(Resource(json: json))
        case MCP_CONTENT_RESOURCE:
            // The contents of a resource have no type.
            self = .resource(ResourceContents(json: json["type"] == nil ? json : json["resource"] ?? json))
        default: self = .other(json)
        }
    }

    /// The text of a text, or of a resource that is a text; nil for other types.
    public var text: String? {
        switch self {
        case .text(let text): text
        case .resource(let contents): contents.text
        default: nil
        }
    }

    /// The bytes of an image or of sound.
    public struct Media: Sendable {
        /// The complete block as the server sent it.
        public let json: JSON

        /// The decoded bytes, at each access; nil if they are missing or not base64.
        public var data: Data? { json["data"]?.base64 }
        /// The type of the bytes, such as "image/png".
        public var mimeType: String { json["mimeType"]?.string ?? "" }
        /// Hints for clients, such as "audience".
        public var annotations: JSON? { json["annotations"] }
    }
}
