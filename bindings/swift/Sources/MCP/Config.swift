import CMCP

// Servers of a configuration file.
extension Client {
    /// Makes a client for a server that a configuration file describes, in the form that FastMCP, editors and desktop
    /// clients share: a JSON object with "mcpServers" (or "servers", or "mcp" with "servers" in it), in which each name
    /// stands for an object with
    ///
    /// - "url" (or "httpUrl" or "serverUrl"), and perhaps "transport" or "type" ("http", "streamable-http" or "sse"),
    ///   "headers", and "auth", a bearer token; or
    /// - "command", and perhaps "args", "env", "envFile" and "cwd", for a server that is started as a process;
    /// - perhaps "timeout", in milliseconds.
    ///
    /// Comments and trailing commas are allowed. `${NAME}` in a text stands for an environment variable, `${NAME:-text}` for one that may be unset. Other keys are
    /// left alone. What the file says is set as by the functions for it, and may be changed by them.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - name: The server's; nil is the only one of the file that is not disabled.
    /// - Throws: ``MCPError/Status/configInvalid``, with a message that names the key.
    public convenience init(config path: String, server name: String? = nil) throws(MCPError) {
        try rejectNUL("the path of the file", path)
        try rejectNUL("the name of the server", name)
        self.init(try make { mcp_client_new_from_config(path, name, $0) })
    }

    /// A server that a configuration file describes.
    public struct ConfiguredServer: Sendable, Hashable {
        /// Its key in the file.
        public let name: String
        /// The file disables it: a client for it is refused.
        public let isDisabled: Bool
    }

    /// The servers of a configuration file, in its order.
    ///
    /// - Throws: ``MCPError/Status/configInvalid`` for a file that cannot be read or used.
    public static func configServers(_ path: String) throws(MCPError) -> [ConfiguredServer] {
        try rejectNUL("the path of the file", path)
        return try document { mcp_config_servers(path, $0, $1) }.elements.compactMap { server in
            server["name"]?.string.map { ConfiguredServer(name: $0, isDisabled: server["disabled"]?.bool ?? false) }
        }
    }

    /// The names of the servers of a configuration file, in its order, with those that are disabled.
    ///
    /// - Throws: ``MCPError/Status/configInvalid`` for a file that cannot be read or used.
    public static func configNames(_ path: String) throws(MCPError) -> [String] {
        try rejectNUL("the path of the file", path)
        return try document { mcp_config_names(path, $0, $1) }.elements.compactMap(\.string)
    }
}
