import Foundation
import LibMCP

do {
    let url = CommandLine.arguments.dropFirst().first ?? "https://example.com/mcp"
    let token = ProcessInfo.processInfo.environment["MCP_BEARER_TOKEN"]
    let client = try Client(url, bearer: token)
    try await client.ping()
    print("the server answers")
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
