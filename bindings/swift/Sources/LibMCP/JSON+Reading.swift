import CMCP
import Foundation

// Access to the contents of a value. nil means missing, of another type, or out of range.
extension JSON {
    /// The number of elements of an array or members of an object; 0 for all other types.
    public var count: Int {
        use(mcp_json_size)
    }

    /// The member of an object with this name; nil if there is none. Takes linear time.
    public subscript(name: String) -> JSON? {
        name.utf8.contains(0) ? nil : subvalue { mcp_json_member($0, name) }
    }

    /// The element of an array at this index, starting with 0; nil if there is none. Takes linear time: to iterate over
    /// all elements, use ``elements``.
    public subscript(index: Int) -> JSON? {
        index < 0 ? nil : subvalue { mcp_json_element($0, index) }
    }

    /// Returns the value that a JSON pointer refers to, such as "/content/0/text" (RFC 6901: in names, ~1 stands for a
    /// slash and ~0 for a tilde); nil if there is none. "" refers to this value.
    public func pointer(_ pointer: String) -> JSON? {
        pointer.utf8.contains(0) ? nil : subvalue { mcp_json_pointer($0, pointer) }
    }

    /// Whether the value is null.
    public var isNull: Bool {
        kind == .null
    }

    /// The value of a Boolean; nil for other types.
    public var bool: Bool? {
        read(false, mcp_json_bool)
    }

    /// An integer, in any notation: 5, 5.0 and 50e-1 are all 5. nil for other values, and if it is out of range.
    public var int: Int? {
        read(0, mcp_json_int64).flatMap { Int(exactly: $0) }
    }

    /// A non-negative integer, in any notation: 5, 5.0 and 50e-1 are all 5. nil for other values, and if it is out of
    /// range.
    public var uint: UInt? {
        read(0, mcp_json_uint64).flatMap { UInt(exactly: $0) }
    }

    /// A number as the nearest double; nil for other types, and for numbers beyond the range of double.
    public var double: Double? {
        read(0, mcp_json_double)
    }

    /// The decoded text of a string; nil for other types. An unpaired surrogate is replaced by U+FFFD.
    public var string: String? {
        use { json in
            var length = 0
            let status = mcp_json_copy_string(json, nil, 0, &length, nil)
            guard status == MCP_BUFFER_TOO_SMALL else { return nil }
            // The C function also writes a terminating NUL.
            return String(unsafeUninitializedCapacity: length + 1) { buffer in
                buffer.withMemoryRebound(to: CChar.self) {
                    _ = mcp_json_copy_string(json, $0.baseAddress, $0.count, nil, nil)
                }
                return length
            }
        }
    }

    /// The decoded bytes of a string that holds base64 (RFC 4648, section 4), such as the "blob" of a resource or the
    /// "data" of an image; nil for other values.
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
    /// The elements of an array, in order; empty for other types.
    public var elements: some Sequence<JSON> {
        children(of: .array)
    }

    /// The members of an object, in order, including those with duplicate names; empty for other types. In keys, NUL
    /// and unpaired surrogates are replaced by U+FFFD.
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
