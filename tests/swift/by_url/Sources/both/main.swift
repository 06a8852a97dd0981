// A program with two modules that have types of the same name.

import Foundation
import LibMCP
import MCP

let server = ProcessInfo.processInfo.environment["MCP_TEST_URL"] ?? ""
let client = try LibMCP.Client("\(server)/s/dual/mcp")
try await client.ping()
let other = MCP.Client(name: "another module")
print("libmcp \(libraryVersion), and \(other.name)")
