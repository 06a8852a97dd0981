// A Swift program that pings the test server with a bearer token.

import Foundation
import LibMCP

let server = ProcessInfo.processInfo.environment["MCP_TEST_URL"] ?? ""
let url = "\(server)/s/bearer=token/mcp"
let client = try Client(url, bearer: "token")
try await client.ping()
try await client.close()
print("libmcp \(libraryVersion): pinged \(url): alive")
