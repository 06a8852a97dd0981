// Ten things that a client does. The token is in MCP_BEARER_TOKEN.
//
//     basics URL
//
// basics.py does the same with FastMCP, and prints the same lines.

import Foundation
import LibMCP

func ping(_ client: Client) async throws {
    try await client.ping()
    print("the server answers")
}

func showServer(_ client: Client) async throws {
    let server = try await client.serverInfo()["serverInfo"]
    print("server: \(server?["name"]?.string ?? "") \(server?["version"]?.string ?? "")")
}

func listTools(_ client: Client) async throws {
    for tool in try await client.listTools() {
        print("tool: \(tool.name)")
    }
}

func callTool(_ client: Client) async throws {
    struct Person: Decodable {
        var name: String
        var age: Int
        var tags: [String]
    }
    let person = try await client.callTool("person", arguments: ["name": "Ada", "age": 36], as: Person.self)
    print("person: \(person.name), \(person.age), \(person.tags.count) tags")
}

func seeToolFail(_ client: Client) async throws {
    do {
        try await client.callTool("fail", arguments: ["why": "no luck"])
    } catch let error as ToolError {
        print("the tool failed: \(error)")
    }
}

func readResource(_ client: Client) async throws {
    for content in try await client.readResource("memo://text").contents {
        print("memo: \(content.text ?? "")")
    }
}

func getPrompt(_ client: Client) async throws {
    let prompt = try await client.getPrompt("explain", arguments: ["topic": "Rust"])
    for message in prompt.messages {
        print("\(message.role): \(message.text ?? "")")
    }
}

func watchProgress(_ client: Client) async throws {
    let options = CallOptions { update in
        let steps = String(format: "%g of %g", update.progress, update.total ?? 0)
        print("progress: \(steps), \(update.message ?? "")")
    }
    print(try await client.callTool("count", arguments: ["steps": 3], options: options).text)
}

func answer(_ request: InputRequest) async throws -> ElicitationAnswer {
    print("the server asks: \(request.message ?? "")")
    return .accept(["name": "Ada"])
}

func giveInput(_ client: Client) async throws {
    print(try await client.callTool("ask_name").text)
}

func limitTime(_ client: Client) async throws {
    do {
        try await client.callTool("slow", arguments: ["seconds": 5], timeout: .milliseconds(200))
    } catch let error as MCPError where error.status == .timeout {
        print("the call took too long")
    }
}

guard CommandLine.arguments.count == 2 else {
    FileHandle.standardError.write(Data("usage: basics URL\n".utf8))
    exit(2)
}
do {
    let token = ProcessInfo.processInfo.environment["MCP_BEARER_TOKEN"]
    let client = try Client(CommandLine.arguments[1], bearer: token)
    try client.setElicitation(answer)
    try await ping(client)
    try await showServer(client)
    try await listTools(client)
    try await callTool(client)
    try await seeToolFail(client)
    try await readResource(client)
    try await getPrompt(client)
    try await watchProgress(client)
    try await giveInput(client)
    try await limitTime(client)
    try await client.close()
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
