import Foundation
import MCP
import Testing

/// A server on stdio, in the language of the shell: the machine that the tests run on may have no other.
///
/// It speaks one version, and answers what its cases say. A case is what a line contains, and the shell commands for it:
/// `answer RESULT` answers it with an object that is not empty, `say MESSAGE` says something else.
final class StdioServer {
    /// Where the server writes what it is sent, and whatever else a test wants.
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
                (method("server/discover"), modern ? "answer '\(discovered)'" : "say '\(refused)'"),
                (method("initialize"), #"answer '{"protocolVersion":"\#(version)",\#(about)}'"#),
                (#""method":"notifications/"#, ":"),
                (#""method":"#, #"answer '{"done":true}'"#),
            ]
        let complete = modern ? #""resultType":"complete","# : ""
        command = [
            "sh", "-c",
            #"""
            say() { printf '%s\n' "$1"; }
            answer() { say '{"jsonrpc":"2.0","id":'$id',"result":{\#(complete)'"${1#?}"'}'; }
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

    /// A hang becomes a failure.
    func client() throws -> Client {
        let client = try Client(command: command)
        try client.setTimeout(.seconds(30))
        return client
    }

    /// The messages that it was sent.
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

/// What the line of a request contains.
func method(_ name: String) -> String {
    #""method":"\#(name)""#
}

/// A file or a folder that goes with it.
final class Temporary {
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
