import CMCP
import Foundation

// Values as literals: ["text": "hello", "times": 3, "tags": ["a", "b"], "more": .null]
extension JSON {
    /// The JSON value null.
    public static let null = JSON(built: "null")

    /// Encodes a value with the encoder.
    ///
    /// - Throws: The encoder's error: `EncodingError`.
    public init(encoding value: some Encodable, using encoder: JSONEncoder = JSONEncoder()) throws {
        try self.init(parsing: encoder.encode(value))
    }

    /// Creates an object of strings; nil if there are none.
    init?(texts: [String: String]) {
        if texts.isEmpty { return nil }
        self.init(built: JSON.object(texts.map { ($0, JSON.quoted($1)) }))
    }

    /// Creates a value from text that is known to be valid JSON.
    private init(built text: String) {
        guard let document = mcp_json_parse(text, text.utf8.count, nil) else {
            preconditionFailure("not JSON: \(text)")
        }
        self.init(document: document)
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(quoted($0)):\($1)" }.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\0"..<" ": quoted += "\\u" + String(scalar.value + 0x10000, radix: 16).suffix(4)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension JSON: ExpressibleByDictionaryLiteral {
    /// Creates an object.
    public init(dictionaryLiteral members: (String, JSON)...) {
        self.init(built: JSON.object(members.map { ($0, $1.raw) }))
    }
}

extension JSON: ExpressibleByArrayLiteral {
    /// Creates an array.
    public init(arrayLiteral elements: JSON...) {
        self.init(built: "[" + elements.map(\.raw).joined(separator: ",") + "]")
    }
}

extension JSON: ExpressibleByStringInterpolation {
    /// Creates a string.
    public init(stringLiteral text: String) {
        self.init(built: JSON.quoted(text))
    }
}

extension JSON: ExpressibleByIntegerLiteral {
    /// Creates an integer.
    public init(integerLiteral number: Int64) {
        self.init(built: String(number))
    }
}

extension JSON: ExpressibleByFloatLiteral {
    /// Creates a number.
    public init(floatLiteral number: Double) {
        self.init(built: String(number))
    }
}

extension JSON: ExpressibleByBooleanLiteral {
    /// Creates a Boolean.
    public init(booleanLiteral value: Bool) {
        self.init(built: String(value))
    }
}
