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

    /// Creates a client for a server at the other end of open streams, with one message per line: a socket pair or
    /// pipes to a thread of the program, a vsock or serial connection, a process that the program has started itself.
    ///
    /// The client owns both descriptors from now on, also if the initializer throws: it makes them non-blocking, and
    /// closes them with ``close(timeout:idleTimeout:options:)`` or when it is freed. If the streams end, calls throw
    /// ``MCPError/Status/disconnected``: make a new client. HTTP settings and those of a server process throw
    /// ``MCPError/Status/misuse``.
    ///
    /// - Parameters:
    ///   - input: The descriptor to read from.
    ///   - output: The descriptor to write to, which may be the same.
    ///   - name: Identifies the server in errors and log messages.
    /// - Throws: ``MCPError/Status/invalidArgument`` for a descriptor that is not open, or an empty name.
    public convenience init(readingFrom input: Int32, writingTo output: Int32, name: String) throws(MCPError) {
        // A name with a NUL is refused like an empty one: the C function also closes the descriptors.
        let name = name.utf8.contains(0) ? "" : name
        self.init(try make { mcp_client_new_fds(input, output, name, $0) })
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

    /// Sets how long the server process may take to exit when it is ended. `.zero` means immediately; the default is
    /// two seconds each.
    ///
    /// - Parameters:
    ///   - terminate: After its stdin was closed; then its process group gets SIGTERM.
    ///   - kill: After SIGTERM; then processes that still run get SIGKILL.
    /// - Throws: ``MCPError/Status/misuse`` for a client with a URL, and after the first call.
    public func setStopTimeout(terminate: Duration, kill: Duration) throws(MCPError) {
        let terminate = try terminate.milliseconds("the time until SIGTERM")
        let kill = try kill.milliseconds("the time until SIGKILL")
        try set { mcp_set_stop_timeout($0, terminate, kill, $1) }
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
