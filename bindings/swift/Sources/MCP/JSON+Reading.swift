import CMCP
import Foundation

// What is inside a value. nil stands for what is not there, is of another type, or does not fit.
extension JSON {
    /// How many elements an array has, or members an object; 0 for everything else.
    public var count: Int {
        use(mcp_json_size)
    }

    /// The member of an object by its name. Takes time in proportion to the members.
    public subscript(name: String) -> JSON? {
        name.utf8.contains(0) ? nil : subvalue { mcp_json_member($0, name) }
    }

    /// The element of an array by its index, from 0. Takes time in proportion to the index: to go through all, use
    /// ``elements``.
    public subscript(index: Int) -> JSON? {
        index < 0 ? nil : subvalue { mcp_json_element($0, index) }
    }

    /// The value that a JSON pointer points to, such as "/content/0/text" (RFC 6901: in a name, ~1 stands for a slash and
    /// ~0 for a tilde); "" is this value itself.
    public func at(_ pointer: String) -> JSON? {
        pointer.utf8.contains(0) ? nil : subvalue { mcp_json_at($0, pointer) }
    }

    /// Whether the value is null.
    public var isNull: Bool {
        kind == .null
    }

    /// True or false.
    public var bool: Bool? {
        read(false, mcp_json_bool)
    }

    /// A whole number, however it is written: 5, 5.0 and 50e-1 are all 5.
    public var int: Int? {
        read(0, mcp_json_int64).flatMap { Int(exactly: $0) }
    }

    /// A whole number from 0 on, as ``int``.
    public var uint: UInt? {
        read(0, mcp_json_uint64).flatMap { UInt(exactly: $0) }
    }

    /// A number as the nearest double; nil where it is larger than any.
    public var double: Double? {
        read(0, mcp_json_double)
    }

    /// The text of a string, decoded. Half of a surrogate pair becomes U+FFFD.
    public var string: String? {
        use { json in
            var length = 0
            let status = mcp_json_copy_string(json, nil, 0, &length, nil)
            guard status == MCP_BUFFER_TOO_SMALL else { return nil }
            // With room for the NUL behind it.
            return String(unsafeUninitializedCapacity: length + 1) { buffer in
                buffer.withMemoryRebound(to: CChar.self) {
                    _ = mcp_json_copy_string(json, $0.baseAddress, $0.count, nil, nil)
                }
                return length
            }
        }
    }

    /// The bytes of a string that holds base64 (RFC 4648, section 4), such as the "blob" of a resource or the "data" of an
    /// image; nil where it holds something else.
    public var base64: Data? {
        use { json in
            var length = 0
            let status = mcp_json_copy_base64(json, nil, 0, &length, nil)
            guard status == MCP_OK || status == MCP_BUFFER_TOO_SMALL else { return nil }
            var bytes = Data(count: length)
            let copied = bytes.withUnsafeMutableBytes { mcp_json_copy_base64(json, $0.baseAddress, $0.count, nil, nil) }
            return copied == MCP_OK ? bytes : nil
        }
    }

    private func read<Value>(
        _ initial: Value, _ function: (OpaquePointer?, UnsafeMutablePointer<Value>?, ErrorOut?) -> mcp_status
    ) -> Value? {
        use { json in
            var value = initial
            return function(json, &value, nil) == MCP_OK ? value : nil
        }
    }
}

extension JSON {
    /// The elements of an array, in their order; none where the value is no array.
    public var elements: some Sequence<JSON> {
        children(of: .array)
    }

    /// The members of an object, in their order, also those with the same name; none where the value is no object. A NUL in
    /// a key, and half of a surrogate pair, is shown as U+FFFD.
    public var members: some Sequence<(key: String, value: JSON)> {
        children(of: .object).lazy.map { member in
            let key = member.use { json in mcp_json_key(json).map { String(cString: $0) } }
            return (key ?? "", member)
        }
    }

    private func children(of kind: Kind) -> some Sequence<JSON> {
        sequence(state: self.kind == kind ? subvalue(mcp_json_first) : nil) { child in
            defer { child = child?.subvalue(mcp_json_next) }
            return child
        }
    }
}
