// 10,000 clients, one after the other: at the end the process is as large as after the first 1,000.
//
// A program of its own: Swift Testing keeps something of every error that is thrown under it.

import Foundation
import MCP

struct Size {
    let kibibytes: Int
    let descriptors: Int
    let threads: Int

    init() throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        kibibytes = Int(line!.split(separator: " ")[1])!
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }

    func show(_ when: String) {
        print("\(when): \(kibibytes) KiB, \(descriptors) descriptors, \(threads) threads")
    }
}

struct Refused: Error {}

func need(_ condition: Bool, _ what: String) {
    guard condition else { fatalError(what) }
}

/// The status that `body` ends with; nil for success.
func status(_ body: () async throws -> Void) async -> MCPError.Status? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? MCPError)?.status
    }
}

/// With everything that a client can hold, and errors of all kinds.
func round(_ url: String) async throws {
    let client = try Client(url)
    let held = "token"
    try client.setAuth { request in
        await Task.yield()
        request.bearer = held
    }
    try client.setLog { _, message in need(!message.contains(held), "the log shows the token") }
    try client.setLogging { message in need(message.data != nil, "a log message without a text: \(held)") }
    try client.setElicitation { _ in .accept(["held": "\(held)"]) }
    try client.setSampling { _ in ["held": "\(held)"] }
    try client.setRoots { _ in [Root(uri: "file:///\(held)")] }
    try await client.ping(timeout: .seconds(20))
    let options = CallOptions(meta: ["held": "\(held)"], headers: ["X-Held": held]) { update in
        need(update.progress >= 0, "progress of \(held)")
    }
    for try await tool in client.tools(options: options) where tool.name == "echo" { break }
    let said = try await client.callTool("echo", arguments: ["text": held], options: options)
    need(said.text == held, "the tool said \(said.text)")
    for try await event in client.toolEvents("echo", arguments: ["text": "\(held)"]) {
        if case .result(let result) = event { need(result.text == held, "the tool said \(result.text)") }
    }
    need(try await client.serverInfo()["era"]?.string != nil, "the server has no era")

    let cancelled = Task { try await client.ping() }
    cancelled.cancel()
    _ = await cancelled.result

    try client.setAuth { _ in throw Refused() }
    need(await status { try await client.ping() } == .authFailed, "the closure that throws was not asked")
    try client.removeAuth()
    need(await status { try await Client("http://127.0.0.1:1/mcp").ping() } == .connectFailed, "somebody is at port 1")
    try await client.close()
}

let server = ProcessInfo.processInfo.environment["MCP_TEST_URL"]!
let urls = (0..<10).map { "\(server)/s/\($0 == 0 ? "sse" : $0 % 2 == 0 ? "legacy" : "modern")/mcp" }
for number in 0..<1000 {
    try await round(urls[number % 10])
}
let warm = try Size()
warm.show("after  1,000 rounds")
for number in 1000..<10000 {
    try await round(urls[number % 10])
}
let end = try Size()
end.show("after 10,000 rounds")
need(end.kibibytes < warm.kibibytes + 4096, "the memory grows")
// Of the last calls, a thread may still be there and hold a token.
need(end.descriptors <= warm.descriptors + 4, "the descriptors grow")
need(end.threads <= warm.threads + 4, "the threads grow")
