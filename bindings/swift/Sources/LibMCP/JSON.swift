import CMCP
import Foundation

/// A JSON value: a whole document, or a value inside one, which keeps the document alive.
///
///     let info = try await client.serverInfo()
///     print(info["serverInfo"]?["name"]?.string ?? "(no name)")
///     let server = try info["serverInfo"]?.decode(Implementation.self)
///
/// It is stored as the text that the server sent, and an index of its contents, which is built at the first access at
/// the latest. If several members have the same name, the last one is used. Any number of threads may read a value at
/// the same time.
public struct JSON: @unchecked Sendable {
    /// Owns the document that `pointer` points into.
    private let owner: Owned
    private let pointer: OpaquePointer

    init(owner: Owned, pointer: OpaquePointer) {
        self.owner = owner
        self.pointer = pointer
    }

    init(document: OpaquePointer) {
        self.init(owner: Owned(document, mcp_json_free), pointer: document)
    }

    /// Parses JSON text.
    ///
    /// - Throws: ``MCPError/Status/invalidJSON`` if the text is not valid JSON (RFC 8259).
    public init(parsing text: String) throws(MCPError) {
        self.init(document: try make { mcp_json_parse(text, text.utf8.count, $0) })
    }

    /// Parses JSON text in UTF-8.
    ///
    /// - Throws: ``MCPError/Status/invalidJSON`` if the text is not valid JSON (RFC 8259),
    ///   ``MCPError/Status/invalidArgument`` if it is not valid UTF-8.
    public init(parsing data: Data) throws(MCPError) {
        let document = try make { error in
            data.withUnsafeBytes { mcp_json_parse($0.bindMemory(to: CChar.self).baseAddress, $0.count, error) }
        }
        self.init(document: document)
    }

    /// Keeps a value that the C API lends. Both share the text.
    init(copying borrowed: OpaquePointer) {
        self.init(document: mcp_json_copy(borrowed))
    }

    /// Calls a C function and keeps the document alive until it returns.
    func use<Result>(_ function: (OpaquePointer) -> Result) -> Result {
        defer { withExtendedLifetime(owner) {} }
        return function(pointer)
    }

    /// Another value of the same document; nil if the C function returns NULL.
    func subvalue(_ function: (OpaquePointer) -> OpaquePointer?) -> JSON? {
        use(function).map { JSON(owner: owner, pointer: $0) }
    }
}

extension JSON {
    /// The type of a value (RFC 8259, section 3).
    public enum Kind: Sendable {
        /// The value null.
        case null
        /// True or false.
        case bool
        /// A number, integer or not.
        case number
        /// A string.
        case string
        /// An array of elements.
        case array
        /// An object: members with a key each.
        case object
    }

    /// The type of the value.
    public var kind: Kind {
        switch use(mcp_json_type_of) {
        case MCP_JSON_BOOL: .bool
        case MCP_JSON_NUMBER: .number
        case MCP_JSON_STRING: .string
        case MCP_JSON_ARRAY: .array
        case MCP_JSON_OBJECT: .object
        case MCP_JSON_NULL: .null
        case let other: preconditionFailure("libmcp returned the unknown JSON type \(other)")
        }
    }

    /// The JSON text of the value as the server sent it; a string has its quotes and escapes.
    public var raw: String {
        use { json in
            var length = 0
            let text = mcp_json_raw(json, &length)
            return String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
        }
    }

    /// The JSON text of the value as the server sent it, in UTF-8.
    public var data: Data {
        use { json in
            var length = 0
            let text = mcp_json_raw(json, &length)
            return Data(UnsafeRawBufferPointer(start: text, count: length))
        }
    }

    /// Decodes the value. Unpaired surrogates are replaced by U+FFFD.
    ///
    /// - Throws: The decoder's error: `DecodingError`.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, using decoder: JSONDecoder = JSONDecoder()
    ) throws -> Value {
        try decoder.decode(type, from: decodable)
    }

    /// The text, with the escape of each unpaired surrogate replaced by that of U+FFFD: Foundation's decoder terminates
    /// the process on such an escape, or rejects the whole document.
    private var decodable: Data {
        var data = self.data
        data.withUnsafeMutableBytes { bytes in
            // Reads stay in bounds: in valid JSON, four hex digits follow \u, and a quote ends each string.
            func unit(_ at: Int) -> Int {
                bytes[at..<at + 4].reduce(0) { $0 << 4 | Int($1 <= 0x39 ? $1 & 0xF : ($1 & 0xF) + 9) }
            }
            guard let start = bytes.baseAddress else { return }
            var at = 0
            while let found = memchr(start + at, 0x5C, bytes.count - at) {
                at = UnsafeRawPointer(found) - UnsafeRawPointer(start)
                guard bytes[at + 1] == UInt8(ascii: "u") else {
                    at += 2
                    continue
                }
                let first = unit(at + 2)
                let isPaired =
                    0xD800..<0xDC00 ~= first && bytes[at + 6] == 0x5C && bytes[at + 7] == UInt8(ascii: "u")
                    && 0xDC00..<0xE000 ~= unit(at + 8)
                if 0xD800..<0xE000 ~= first && !isPaired {
                    bytes[at + 2..<at + 6].copyBytes(from: "fffd".utf8)
                }
                at += isPaired ? 12 : 6
            }
        }
        return data
    }
}

extension JSON: CustomStringConvertible {
    /// The JSON text of the value as the server sent it.
    public var description: String { raw }
}
