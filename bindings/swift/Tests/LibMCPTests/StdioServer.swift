import Foundation
import LibMCP
import Testing

/// A stdio server as a shell script: the machine that runs the tests may have no other interpreter.
///
/// It supports one protocol version. Each case has a text and the shell commands to run when a received line contains
/// that text: `respond RESULT` responds with RESULT, a non-empty object; `send MESSAGE` sends any other message.
final class StdioServer {
    /// Holds the file with the messages that the server has received.
    let folder: URL
    let command: [String]

    init(_ version: String = "2025-11-25", _ cases: [(contains: String, then: String)] = []) throws {
        let modern = version >= "2026-07-28"
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(newTag())
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let capabilities = #"{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}}"#
        let about = #""capabilities":\#(capabilities),"serverInfo":{"name":"sh","version":"1"}"#
        let discovered = #"{"supportedVersions":["\#(version)"],\#(about),"ttlMs":0,"cacheScope":"public"}"#
        let refused = #"{"jsonrpc":"2.0","id":'$id',"error":{"code":-32601,"message":"not found"}}"#
        let all =
            cases + [
                (method("server/discover"), modern ? "respond '\(discovered)'" : "send '\(refused)'"),
                (method("initialize"), #"respond '{"protocolVersion":"\#(version)",\#(about)}'"#),
                (#""method":"notifications/"#, ":"),
                (#""method":"#, #"respond '{"done":true}'"#),
            ]
        let complete = modern ? #""resultType":"complete","# : ""
        command = [
            "sh", "-c",
            #"""
            send() { printf '%s\n' "$1"; }
            respond() { send '{"jsonrpc":"2.0","id":'$id',"result":{\#(complete)'"${1#?}"'}'; }
            while IFS= read -r line; do
                printf '%s\n' "$line" >> '\#(folder.path)/received'
                id=${line#*\"id\":}
                id=${id%%[,\}]*}
                case $line in
                \#(all.map { "*'\($0.contains)'*) \($0.then) ;;" }.joined(separator: "\n    "))
                esac
            done
            """#,
        ]
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// A client with a timeout, so that a hang fails the test.
    func client() throws -> Client {
        let client = try Client(command: command)
        try client.setTimeout(.seconds(30))
        return client
    }

    /// Starts the server with these pipes, of which this process keeps the other ends.
    func start(reading requests: Pipe, writing responses: Pipe) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = Array(command.dropFirst())
        process.standardInput = requests
        process.standardOutput = responses
        try process.run()
        try requests.fileHandleForReading.close()
        try responses.fileHandleForWriting.close()
        return process
    }

    /// The messages that the server has received.
    func received() throws -> [JSON] {
        let file = folder.appendingPathComponent("received")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
            try JSON(parsing: String($0))
        }
    }

    func received(_ method: String) throws -> [JSON] {
        try received().filter { $0["method"]?.string == method }
    }
}

/// The text that a line with this method contains.
func method(_ name: String) -> String {
    #""method":"\#(name)""#
}

/// A temporary file or folder, deleted with this object.
final class TemporaryFile {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(newTag())
    var path: String { url.path }

    init(text: String? = nil) throws {
        try text?.write(to: url, atomically: true, encoding: .utf8)
    }

    func text() throws -> String {
        try String(contentsOf: url, encoding: .utf8)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}
