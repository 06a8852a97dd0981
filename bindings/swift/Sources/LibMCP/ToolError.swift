import Foundation

/// A tool was executed and reported that it failed. If the call itself fails, it throws an ``MCPError``.
public struct ToolError: Error, Sendable {
    /// The tool's result, which describes the failure.
    public let result: ToolResult
}

extension ToolError: CustomStringConvertible, LocalizedError {
    /// The text of the result.
    public var description: String { result.text.isEmpty ? "the tool failed without an error message" : result.text }
    /// The text of the result.
    public var errorDescription: String? { description }
}
