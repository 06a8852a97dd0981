// Creates 10,000 clients in sequence, and checks that the process does not grow after the first 1,000.
//
// This is a separate program because Swift Testing retains memory for each error thrown in a test.

import Foundation
import LibMCP

struct Resources {
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

struct CredentialsError: Error {}

/// Keeps nothing.
struct EmptyStore: OAuthStore {
    let text: String

    func load(_ key: String) throws -> String? {
        require(key != text, "the key of the store is \(text)")
        return nil
    }
    func save(_ text: String?, for key: String) throws {}
}

func require(_ condition: Bool, _ what: String) {
    guard condition else { fatalError(what) }
}

/// The status of the error that `body` throws; nil if it succeeds.
func status(_ body: () async throws -> Void) async -> MCPError.Status? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? MCPError)?.status
    }
}

/// Uses one client with everything that it can retain, and provokes errors of all kinds.
func exerciseClient(_ url: String) async throws {
    let client = try Client(url)
    let text = "token"
    try client.setAuth { request in
        await Task.yield()
        request.bearer = text
    }
    try client.setLog { _, message in require(!message.contains(text), "the log shows the token") }
    try client.setServerLog { message in require(message.data != nil, "a log message without a text: \(text)") }
    try client.setElicitation { _ in .accept(["text": "\(text)"]) }
    try client.setSampling { _ in ["text": "\(text)"] }
    try client.setRoots { _ in [Root(uri: "file:///\(text)")] }
    try await client.ping(timeout: .seconds(20))
    let options = CallOptions(meta: ["text": "\(text)"], headers: ["X-Held": text]) { update in
        require(update.progress >= 0, "progress of \(text)")
    }
    for try await tool in client.tools(options: options) where tool.name == "echo" { break }
    let result = try await client.callTool("echo", arguments: ["text": text], options: options)
    require(result.text == text, "unexpected tool result: \(result.text)")
    for try await event in client.toolEvents("echo", arguments: ["text": "\(text)"]) {
        if case .result(let result) = event { require(result.text == text, "unexpected tool result: \(result.text)") }
    }
    require(try await client.serverInfo()["era"]?.string != nil, "the server info has no era")

    let cancelled = Task { try await client.ping() }
    cancelled.cancel()
    _ = await cancelled.result

    try client.setAuth { _ in throw CredentialsError() }
    require(await status { try await client.ping() } == .authFailed, "the throwing auth closure did not run")
    try client.removeAuth()
    require(await status { try await Client("http://127.0.0.1:1/mcp").ping() } == .connectFailed, "port 1 is in use")
    try await client.close()

    let oauth = try OAuth(store: EmptyStore(text: "\(text)")) { _ in
        require(text.isEmpty, "a login began")
        return nil
    }
    try oauth.setLogin(.whenAsked)
    let locked = try Client("\(server)/s/modern+bearer=other/mcp", oauth: oauth)
    require(await status { try await locked.ping() } == .loginRequired, "a ping without a token succeeded")
}

let server = ProcessInfo.processInfo.environment["MCP_TEST_URL"]!
let urls = (0..<10).map { "\(server)/s/\($0 == 0 ? "sse" : $0 % 2 == 0 ? "legacy" : "modern")/mcp" }
for number in 0..<1000 {
    try await exerciseClient(urls[number % 10])
}
let warm = try Resources()
warm.show("after  1,000 rounds")
for number in 1000..<10000 {
    try await exerciseClient(urls[number % 10])
}
let end = try Resources()
end.show("after 10,000 rounds")
require(end.kibibytes < warm.kibibytes + 4096, "memory usage grows")
// The threads of the last calls may still be running.
require(end.descriptors <= warm.descriptors + 4, "the number of descriptors grows")
require(end.threads <= warm.threads + 4, "the number of threads grows")
