// The tools of all servers of a configuration file, listed at the same time.
//
//     servers FILE                       lists the tools, as SERVER_TOOL
//     servers FILE SERVER_TOOL [JSON]    calls one, with its arguments
//
// Each server has its own client. A server that cannot be reached costs one line on stderr.

import Foundation
import LibMCP

func report(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
}

func open(_ file: String) throws -> [String: Client] {
    var clients: [String: Client] = [:]
    for server in try Client.configServers(file) where !server.isDisabled {
        do {
            clients[server.name] = try Client(config: file, server: server.name)
        } catch {
            report("\(server.name): \(error)")
        }
    }
    return clients
}

func listAll(_ clients: [String: Client]) async {
    await withTaskGroup(of: Void.self) { group in
        for (name, client) in clients {
            group.addTask {
                do {
                    for tool in try await client.listTools() { print("\(name)_\(tool.name)") }
                } catch {
                    report("\(name): \(error)")
                }
            }
        }
    }
}

/// The server of a tool: of the names that fit, the longest.
func find(_ clients: [String: Client], _ tool: String) -> String? {
    clients.keys.filter { tool.hasPrefix($0 + "_") }.max { $0.count < $1.count }
}

func call(_ clients: [String: Client], _ tool: String, _ arguments: String?) async -> Int32 {
    guard let name = find(clients, tool), let client = clients[name] else {
        report("no server has a tool \(tool)")
        return 1
    }
    do {
        let json = try arguments.map { try JSON(parsing: $0) }
        print(try await client.callTool(String(tool.dropFirst(name.count + 1)), arguments: json).text)
        return 0
    } catch {
        report("\(name): \(error)")
        return 1
    }
}

let words = CommandLine.arguments
guard words.count > 1 else {
    report("usage: servers FILE [SERVER_TOOL [JSON]]")
    exit(2)
}
do {
    let clients = try open(words[1])
    if words.count > 2 {
        exit(await call(clients, words[2], words.count > 3 ? words[3] : nil))
    }
    await listAll(clients)
} catch {
    report("\(error)")
    exit(1)
}
