import Foundation

/// A tool failed, and said so. Where the call failed, an ``MCPError`` says why.
public struct ToolError: Error, Sendable {
    /// What the tool has to say of it.
    public let result: ToolResult
}

extension ToolError: CustomStringConvertible, LocalizedError {
    /// The text of the result.
    public var description: String { result.text.isEmpty ? "the tool failed without an error message" : result.text }
    /// The text of the result.
    public var errorDescription: String? { description }
}
