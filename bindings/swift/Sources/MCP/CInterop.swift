// What every use of the C API needs: errors, ownership, text, and times.

import CMCP
import Foundation

/// Where a function of the C API puts its error.
typealias ErrorOut = UnsafeMutablePointer<OpaquePointer?>

/// Throws the error of a function that failed.
func check(_ function: (ErrorOut) -> mcp_status) throws(MCPError) {
    var error: OpaquePointer?
    if function(&error) != MCP_OK {
        throw takeError(error)
    }
}

/// What a constructor made, or its error.
func make(_ constructor: (ErrorOut) -> OpaquePointer?) throws(MCPError) -> OpaquePointer {
    var error: OpaquePointer?
    guard let made = constructor(&error) else {
        throw takeError(error)
    }
    return made
}

private func takeError(_ error: OpaquePointer?) -> MCPError {
    guard let error else {
        return MCPError(.internal, "libmcp returned no error object")
    }
    return MCPError(Owned(error, mcp_error_free))
}

/// An object of the C API that any thread may use, freed with the last reference.
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

    /// The object lives until `body` returns.
    func use<Result, Failure>(_ body: (OpaquePointer) throws(Failure) -> Result) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(pointer)
    }
}

/// A Swift value as the C API's userdata.
final class Box<Content: Sendable>: Sendable {
    let content: Content

    init(_ content: Content) {
        self.content = content
    }

    /// For the C API, which hands it to `releaseBox` when it is done.
    func retained() -> UnsafeMutableRawPointer {
        Unmanaged.passRetained(self).toOpaque()
    }

    static func at(_ userdata: UnsafeMutableRawPointer) -> Box {
        Unmanaged.fromOpaque(userdata).takeUnretainedValue()
    }
}

/// The C API's destroy callback.
func releaseBox(_ userdata: UnsafeMutableRawPointer?) {
    if let userdata {
        Unmanaged<AnyObject>.fromOpaque(userdata).release()
    }
}

/// Where a function of the C API puts the document that it makes.
typealias DocumentOut = UnsafeMutablePointer<OpaquePointer?>

/// The document that a function of the C API made, or its error.
func document(_ function: (DocumentOut, ErrorOut) -> mcp_status) throws(MCPError) -> JSON {
    var made: OpaquePointer?
    try check { function(&made, $0) }
    guard let made else {
        throw MCPError(.internal, "libmcp returned no result")
    }
    return JSON(document: made)
}

/// Calls a function of the C API that takes JSON as text with its length; NULL and 0 stand for nil.
func withJSONText<Result>(_ json: JSON?, _ function: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
    guard let json else { return function(nil, 0) }
    return json.use {
        var length = 0
        let text = mcp_json_raw($0, &length)
        return function(text, length)
    }
}

/// Calls a function of the C API that takes a list of texts with a NULL behind it.
func withCStrings<Result>(_ texts: [String], _ function: (UnsafePointer<UnsafePointer<CChar>?>) -> Result) -> Result {
    let copies = texts.map { strdup($0) }
    defer {
        for copy in copies { free(copy) }
    }
    return (copies.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { function($0.baseAddress!) }
}

/// C would take a NUL for the end of the text.
func rejectNUL(_ what: String, _ text: String?) throws(MCPError) {
    if let text, text.utf8.contains(0) {
        throw .invalidArgument("\(what) contains a NUL")
    }
}

extension Duration {
    /// Rounded up, and as many as there are numbers for.
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
