import CMCP

// Servers that are started as a process, and speak on its standard streams.
extension Client {
    /// Makes a client for a server that is started as a process and speaks on its standard streams (specification
    /// 2026-07-28, "stdio"): by the first call, and again by the next one when it has ended.
    ///
    ///     let client = try Client(command: ["npx", "-y", "@modelcontextprotocol/server-everything"])
    ///
    /// The server inherits HOME, LOGNAME, PATH, SHELL, TERM and USER of the environment, no descriptor but its three
    /// streams, and has a process group of its own. What it writes to stderr goes to the log (``setLog(_:)``), and its last
    /// lines into the error when it ends; or into a file.
    ///
    /// Closing and freeing the client close the server's stdin; where it does not end within 2 seconds its group gets
    /// SIGTERM, and after 2 more SIGKILL. Freeing waits for that: a program that must not wait calls
    /// ``close(timeout:idleTimeout:options:)`` first.
    ///
    /// Credentials, headers and everything else that is about HTTP throw ``MCPError/Status/misuse`` on such a client: what
    /// the server needs to know goes into its environment.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments; no shell is between. A program without a slash is found by PATH.
    ///   - environment: Variables for the server; see ``setEnvironment(_:to:)``.
    ///   - workingDirectory: The folder to start it in; nil is the program's own.
    ///   - stderrFile: A file that its stderr is appended to; nil is the log.
    /// - Throws: ``MCPError/Status/invalidArgument`` for an empty command, and for names that cannot be used.
    public convenience init(
        command: [String], environment: [String: String] = [:], workingDirectory: String? = nil,
        stderrFile: String? = nil
    ) throws(MCPError) {
        for word in command {
            try rejectNUL("the command", word)
        }
        self.init(try make { error in withCStrings(command) { mcp_client_new_stdio($0, error) } })
        for (name, value) in environment {
            try setEnvironment(name, to: value)
        }
        try setWorkingDirectory(workingDirectory)
        try setStderrFile(stderrFile)
    }

    /// Sets a variable in the environment of the server's process; nil removes it.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a name that is empty or holds "=", ``MCPError/Status/misuse`` for
    ///   a client of a URL, and after the first call.
    public func setEnvironment(_ name: String, to value: String?) throws(MCPError) {
        try rejectNUL("the name of the variable", name)
        try rejectNUL("the value of the variable", value)
        try set { mcp_set_environment($0, name, value, $1) }
    }

    /// Sets the folder that the server's process is started in; nil, as at the start, is the program's own.
    ///
    /// - Throws: ``MCPError/Status/misuse`` for a client of a URL, and after the first call.
    public func setWorkingDirectory(_ path: String?) throws(MCPError) {
        try rejectNUL("the working directory", path)
        try set { mcp_set_working_directory($0, path, $1) }
    }

    /// Appends what the server writes to stderr to a file, which is made where it is missing; nil, as at the start, is the
    /// log. A file that cannot be opened is ``MCPError/Status/processFailed`` in the first call.
    ///
    /// - Throws: ``MCPError/Status/misuse`` for a client of a URL, and after the first call.
    public func setStderrFile(_ path: String?) throws(MCPError) {
        try rejectNUL("the path of the file", path)
        try set { mcp_set_stderr_file($0, path, $1) }
    }
}
