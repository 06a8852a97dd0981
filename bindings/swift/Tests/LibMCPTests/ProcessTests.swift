import Foundation
import LibMCP
import Testing

@Suite struct ProcessTests {
    @Test(arguments: ["2025-11-25", "2026-07-28"]) func callsReachServerProcess(_ version: String) async throws {
        let server = try StdioServer(version)
        let client = try server.client()
        try await client.connect()
        try await client.ping()
        let info = try await client.serverInfo()
        #expect(info["protocolVersion"]?.string == version && info["transport"]?.string == "stdio")
        #expect(info.pointer("/serverInfo/name")?.string == "sh")
        try await client.close()
        try await failure(.closed) { try await client.ping() }
    }

    /// The server is a command that this test starts, and not the library.
    @Test func descriptorsOfProgramAreUsed() async throws {
        let server = try StdioServer("2026-07-28")
        let (requests, responses) = (Pipe(), Pipe())
        let process = try server.start(reading: requests, writing: responses)
        let input = dup(responses.fileHandleForReading.fileDescriptor)
        let output = dup(requests.fileHandleForWriting.fileDescriptor)
        try requests.fileHandleForWriting.close()
        let client = try Client(readingFrom: input, writingTo: output, name: "pipes")
        #expect(client.name == "pipes")
        try await client.ping()
        try await client.close()
        process.terminate()

        #expect(throws: MCPError.self) { try Client(readingFrom: -1, writingTo: -1, name: "none") }
        let other = dup(responses.fileHandleForReading.fileDescriptor)
        #expect(throws: MCPError.self) { try Client(readingFrom: other, writingTo: other, name: "a\0b") }
    }

    @Test func environmentAndDirectoryArePassed() async throws {
        let stderr = try TemporaryFile()
        let script = #"echo "$GREETING from $(pwd) without ${HOME:-a home}" >&2; exit 3"#
        let client = try Client(
            command: ["sh", "-c", script], environment: ["GREETING": "hello"], workingDirectory: "/usr",
            stderrFile: stderr.path)
        try client.setEnvironment("HOME", to: nil)
        let error = try await failure(.processFailed) { try await client.ping() }
        #expect(error.message.contains("3"), "\(error)")
        #expect(try stderr.text().contains("hello from /usr without a home\n"))
        try await failure(.misuse) { try client.setWorkingDirectory(nil) }
        try await failure(.misuse) { try client.setStderrFile(nil) }
        try await failure(.misuse) { try client.setEnvironment("GREETING", to: "late") }
    }

    /// Without a file, stderr goes to the log, and its last lines are in the error.
    @Test func stderrIsInLogAndError() async throws {
        let client = try Client(command: ["sh", "-c", "echo broken beyond repair >&2"])
        let lines = Shared<[String]>([])
        try client.setLog { _, line in lines.change { $0.append(line) } }
        let error = try await failure(.processFailed) { try await client.ping() }
        #expect(error.message.contains("broken beyond repair"))
        #expect(lines.value.contains { $0.contains("broken beyond repair") })
        try await failure(.processFailed) { try await Client(command: ["/nowhere/at/all"]).ping() }
    }

    @Test func invalidArgumentsAndMisuseAreRejected() async throws {
        try await failure(.invalidArgument) { try Client(command: []) }
        try await failure(.invalidArgument) { try Client(command: ["sh", "a\0b"]) }
        try await failure(.invalidArgument) { try Client(command: ["sh"], environment: ["A=B": "c"]) }
        try await failure(.invalidArgument) { try Client(command: ["sh"], environment: ["A": "\0"]) }
        try await failure(.invalidArgument) { try Client(command: ["sh"], workingDirectory: "a\0b") }
        try await failure(.invalidArgument) { try Client(command: ["sh"], stderrFile: "a\0b") }
        let process = try Client(command: ["sh"])
        try await failure(.misuse) { try process.setBearer("token") }
        try await failure(.misuse) { try process.setHeader("X-A", to: "b") }
        let web = try Scripted.client("dual")
        try await failure(.misuse) { try web.setEnvironment("A", to: "b") }
        try await failure(.misuse) { try web.setWorkingDirectory("/") }
        try await failure(.misuse) { try web.setStderrFile("/dev/null") }
    }

    /// The process ends when the client is closed or freed.
    @Test(arguments: [true, false]) func processEndsWithClient(_ closed: Bool) async throws {
        let server = try StdioServer("2025-11-25", [(method("ping"), #"respond '{"pid":'$$'}'"#)])
        var process = 0
        do {
            let client = try server.client()
            process = try #require(try await client.request("ping")["pid"]?.int)
            #expect(kill(pid_t(process), 0) == 0)
            if closed {
                try await client.close()
            }
        }
        try await eventually { kill(pid_t(process), 0) != 0 }
    }

    /// The next call restarts the process.
    @Test func nextCallRestartsProcess() async throws {
        let server = try StdioServer("2025-11-25", [(method("x.example/end"), "exit 7")])
        let client = try server.client()
        try await client.ping()
        let error = try await failure(.processFailed) { try await client.request("x.example/end") }
        #expect(error.message.contains("7"))
        try await client.ping()
        #expect(try server.received("initialize").count == 2)
    }

    @Test func parallelCallsShareOneProcess() async throws {
        let server = try StdioServer()
        let client = try server.client()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<32 {
                group.addTask { try await client.ping() }
            }
            try await group.waitForAll()
        }
        #expect(try server.received("ping").count == 32 && server.received("initialize").count == 1)
    }
}

@Suite struct ConfigTests {
    @Test func serversAreReadFromConfig() async throws {
        let web = try Scripted.url("dual+bearer=right-token")
        let process = try StdioServer()
        let script = try TemporaryFile(text: process.command[2])
        let timeout = 30_000
        let config = try TemporaryFile(
            text: """
                {"mcpServers": {"web": {"url": "\(web)", "auth": "${MCP_NO_SUCH_VARIABLE:-right-token}"},
                    "process": {"command": "sh", "args": ["\(script.path)"], "timeout": \(timeout)},
                    "broken": {"command": 3}}}
                """)
        #expect(try Client.configNames(config.path) == ["web", "process", "broken"])
        let broken = try Client.configServers(config.path)[2]
        #expect(broken.name == "broken" && !broken.isDisabled)
        try await Client(config: config.path, server: "web").ping()
        let stdio = try Client(config: config.path, server: "process")
        try await stdio.ping()
        #expect(try process.received("ping").count == 1)
        let error = try await failure(.configInvalid) { try Client(config: config.path, server: "broken") }
        #expect(error.message.contains("command"))
        try await failure(.configInvalid) { try Client(config: config.path) }
        try await failure(.configInvalid) { try Client(config: config.path, server: "none") }
    }

    @Test func serversAreReadFromConfigText() async throws {
        let web = try Scripted.url("dual")
        let config = #"{"mcpServers": {"web": {"url": "\#(web)"}, "broken": {"command": 3}}}"#
        #expect(try Client.configNames(text: config) == ["web", "broken"])
        let client = try Client(configText: config, server: "web")
        #expect(client.name == "web")
        try await client.ping()
        try client.setName("other")
        #expect(client.name == "other")
        try client.setName(nil)
        #expect(client.name == "127.0.0.1")
        let error = try await failure(.configInvalid) { try Client(configText: config, server: "broken") }
        #expect(error.message.hasPrefix("the configuration: mcpServers.broken"))
        try await failure(.configInvalid) { try Client.configNames(text: "{") }
        try await failure(.invalidArgument) { try client.setName("a\0b") }
    }

    @Test func onlyServerIsTheDefault() async throws {
        let config = try TemporaryFile(text: #"{"mcpServers": {"one": {"url": "\#(try Scripted.url("dual"))"}}}"#)
        try await Client(config: config.path).ping()
    }

    @Test func invalidConfigsAreRejected() async throws {
        let config = try TemporaryFile(text: "{")
        try await failure(.configInvalid) { try Client.configNames(config.path) }
        try await failure(.configInvalid) { try Client.configNames("/nowhere/at/all") }
        try await failure(.configInvalid) { try Client.configServers("/nowhere/at/all") }
        try await failure(.configInvalid) { try Client(config: "/nowhere/at/all") }
        try await failure(.invalidArgument) { try Client.configNames("a\0b") }
        try await failure(.invalidArgument) { try Client(config: "a\0b") }
        try await failure(.invalidArgument) { try Client(config: config.path, server: "a\0b") }
    }
}
