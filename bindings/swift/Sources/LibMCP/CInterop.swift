// Helpers for calling the C API: errors, ownership, strings and durations.

import CMCP
import Foundation

/// The `mcp_error **` argument of a C function.
typealias ErrorOut = UnsafeMutablePointer<OpaquePointer?>

/// Calls a C function and throws the error that it reports.
func check(_ function: (ErrorOut) -> mcp_status) throws(MCPError) {
    var error: OpaquePointer?
    if function(&error) != MCP_OK {
        throw takeError(error)
    }
}

/// Calls a C constructor and returns the new object, or throws the error that it reports.
func make(_ constructor: (ErrorOut) -> OpaquePointer?) throws(MCPError) -> OpaquePointer {
    var error: OpaquePointer?
    guard let made = constructor(&error) else {
        throw takeError(error)
    }
    return made
}

/// The error as a Swift value, which owns it.
func takeError(_ error: OpaquePointer?) -> MCPError {
    guard let error else {
        return MCPError(.internal, "libmcp returned no error object")
    }
    return MCPError(Owned(error, mcp_error_free))
}

/// Owns an object of the C API that any thread may use; frees it with the last reference.
final class Owned: @unchecked Sendable {
    private let pointer: OpaquePointer
    private let free: (OpaquePointer?) -> Void

    init(_ pointer: OpaquePointer, _ free: @escaping (OpaquePointer?) -> Void) {
        self.pointer = pointer
        self.free = free
    }

    deinit {
        free(pointer)
    }

    /// Calls `body` and keeps the object alive until it returns.
    func use<Result, Failure>(_ body: (OpaquePointer) throws(Failure) -> Result) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(pointer)
    }
}

/// A Swift value in the form of a `userdata` pointer for the C API.
final class Box<Content: Sendable>: Sendable {
    let content: Content

    init(_ content: Content) {
        self.content = content
    }

    /// Returns a retained pointer. The C API passes it to `releaseBox` when it is no longer needed.
    func retained() -> UnsafeMutableRawPointer {
        retainedForLibrary(self)
    }

    static func at(_ userdata: UnsafeMutableRawPointer) -> Box {
        objectOfLibrary(userdata)
    }
}

/// Held for a moment when an object is passed to the C API, and when a callback receives it. The library orders both;
/// this lock also shows it to the thread sanitizer, which does not see how the library does that.
private let handOver = NSLock()

/// Returns a retained pointer to an object. The C API passes it to `releaseBox` when it is no longer needed.
@discardableResult
func retainedForLibrary(_ object: some AnyObject) -> UnsafeMutableRawPointer {
    handOver.withLock {}
    return Unmanaged.passRetained(object).toOpaque()
}

/// The object of a pointer from `retainedForLibrary`, in a callback.
func objectOfLibrary<Object: AnyObject>(_ userdata: UnsafeMutableRawPointer) -> Object {
    handOver.withLock {}
    return Unmanaged.fromOpaque(userdata).takeUnretainedValue()
}

/// The `mcp_destroy_fn` for pointers from `retainedForLibrary`.
func releaseBox(_ userdata: UnsafeMutableRawPointer?) {
    if let userdata {
        Unmanaged<AnyObject>.fromOpaque(userdata).release()
    }
}

/// The `mcp_json **` argument of a C function.
typealias DocumentOut = UnsafeMutablePointer<OpaquePointer?>

/// Calls a C function and returns the document that it creates, or throws the error that it reports.
func document(_ function: (DocumentOut, ErrorOut) -> mcp_status) throws(MCPError) -> JSON {
    var made: OpaquePointer?
    try check { function(&made, $0) }
    guard let made else {
        throw MCPError(.internal, "libmcp returned no result")
    }
    return JSON(document: made)
}

/// Calls a C function with JSON text and its length in bytes; with NULL and 0 for nil.
func withJSONText<Result>(_ json: JSON?, _ function: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
    guard let json else { return function(nil, 0) }
    return json.use {
        var length = 0
        let text = mcp_json_raw($0, &length)
        return function(text, length)
    }
}

/// Calls a C function with a NULL-terminated array of C strings.
func withCStrings<Result>(_ texts: [String], _ function: (UnsafePointer<UnsafePointer<CChar>?>) -> Result) -> Result {
    let copies = texts.map { strdup($0) }
    defer {
        for copy in copies { free(copy) }
    }
    return (copies.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { function($0.baseAddress!) }
}

/// Throws if the text contains a NUL, where C would end the string.
func rejectNUL(_ what: String, _ text: String?) throws(MCPError) {
    if let text, text.utf8.contains(0) {
        throw .invalidArgument("\(what) contains a NUL")
    }
}

extension Duration {
    /// The duration in milliseconds, rounded up; `UInt64.max` if it is longer. Throws if it is negative.
    func milliseconds(_ what: String) throws(MCPError) -> UInt64 {
        guard self >= .zero else {
            throw .invalidArgument("\(what) is negative")
        }
        let (seconds, attoseconds) = components
        let (whole, tooLong) = UInt64(seconds).multipliedReportingOverflow(by: 1000)
        let rest = UInt64((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
        let (sum, tooLongByRest) = whole.addingReportingOverflow(rest)
        return tooLong || tooLongByRest ? .max : sum
    }
}
