import CMCP

// Servers that are started as a process and use the stdio transport.
extension Client {
    /// Creates a client for a server that is started as a process and uses the stdio transport (specification
    /// 2026-07-28, "stdio"). The first call starts it; if it has ended, the next call starts it again.
    ///
    ///     let client = try Client(command: ["npx", "-y", "@modelcontextprotocol/server-everything"])
    ///
    /// The server inherits HOME, LOGNAME, PATH, SHELL, TERM and USER of the environment, and no file descriptors except
    /// its three standard streams. It runs in its own process group. Its stderr goes to the log (``setLog(_:)``), and
    /// the last lines are part of the error if the server ends; or it goes to a file.
    ///
    /// Closing or freeing the client closes the server's stdin. When the server has ended, or after 2 seconds, its
    /// process group receives SIGTERM; processes that still run 2 seconds later receive SIGKILL. Freeing waits for
    /// this: to avoid the wait, call ``close(timeout:idleTimeout:options:)`` first.
    ///
    /// On such a client, credentials, headers and all other HTTP settings throw ``MCPError/Status/misuse``: configure
    /// the server with environment variables.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments. No shell is involved. A program without a slash is searched in PATH.
    ///   - environment: Environment variables for the server; see ``setEnvironment(_:to:)``.
    ///   - workingDirectory: The server's working directory; nil means that of this process.
    ///   - stderrFile: A file that the server's stderr is appended to; nil means the log.
    /// - Throws: ``MCPError/Status/invalidArgument`` for an empty command and for invalid names of variables.
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

    /// Sets an environment variable of the server process; nil removes it.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a name that is empty or contains "=",
    ///   ``MCPError/Status/misuse`` for a client with a URL, and after the first call.
    public func setEnvironment(_ name: String, to value: String?) throws(MCPError) {
        try rejectNUL("the name of the variable", name)
        try rejectNUL("the value of the variable", value)
        try set { mcp_set_environment($0, name, value, $1) }
    }

    /// Sets the working directory of the server process; nil (the default) means that of this process.
    ///
    /// - Throws: ``MCPError/Status/misuse`` for a client with a URL, and after the first call.
    public func setWorkingDirectory(_ path: String?) throws(MCPError) {
        try rejectNUL("the working directory", path)
        try set { mcp_set_working_directory($0, path, $1) }
    }

    /// Appends the server's stderr to a file, which is created if it does not exist; nil (the default) means the log.
    /// If the file cannot be opened, the first call throws ``MCPError/Status/processFailed``.
    ///
    /// - Throws: ``MCPError/Status/misuse`` for a client with a URL, and after the first call.
    public func setStderrFile(_ path: String?) throws(MCPError) {
        try rejectNUL("the path of the file", path)
        try set { mcp_set_stderr_file($0, path, $1) }
    }
}
