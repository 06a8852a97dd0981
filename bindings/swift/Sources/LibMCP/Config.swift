import CMCP

// Servers from a configuration file.
extension Client {
    /// Creates a client for a server from a configuration file, in the format that FastMCP, editors and desktop clients
    /// share: a JSON object with "mcpServers" (or "servers", or "mcp" with "servers" in it) that maps each name to an
    /// object with
    ///
    /// - "url" (or "httpUrl" or "serverUrl"), and optionally "transport" or "type" ("http", "streamable-http" or
    ///   "sse"), "headers", and "auth", which is a bearer token or "oauth", and "oauth", the settings for it; or
    /// - "command", and optionally "args", "env", "envFile" and "cwd", for a server that is started as a process;
    /// - optionally "timeout", in milliseconds.
    ///
    /// "auth": "oauth", or "oauth" with an object, sets OAuth that opens the user's browser and keeps the tokens in the
    /// default folder of ``OAuth/useFolder(_:)``. Members of the object are "clientId", "clientSecret", "issuer",
    /// "scopes", "redirectUri" or "callbackPort", and "clientMetadataUrl"; each is optional. ``setOAuth(_:)`` replaces
    /// it.
    ///
    /// Comments and trailing commas are allowed. In strings, `${NAME}` is replaced by an environment variable, and
    /// `${NAME:-text}` by `text` if the variable is not set. Other keys are ignored. The settings of the file can be
    /// changed later with the methods of the client.
    ///
    /// - Parameters:
    ///   - path: The path of the file.
    ///   - name: The name of the server; nil selects the only server of the file that is not disabled.
    /// - Throws: ``MCPError/Status/configInvalid``, with a message that names the key.
    public convenience init(config path: String, server name: String? = nil) throws(MCPError) {
        try rejectNUL("the path of the file", path)
        try rejectNUL("the name of the server", name)
        self.init(try make { mcp_client_new_from_config(path, name, $0) })
    }

    /// Creates a client for a server from the text of a configuration, which has the format of a configuration file:
    /// see ``init(config:server:)``. It is for programs that keep their settings elsewhere. A relative "envFile" starts
    /// at the working directory of this process.
    ///
    /// - Parameters:
    ///   - text: The configuration.
    ///   - name: The name of the server; nil selects the only server that is not disabled.
    /// - Throws: ``MCPError/Status/configInvalid``, with a message that names the key.
    public convenience init(configText text: String, server name: String? = nil) throws(MCPError) {
        try rejectNUL("the name of the server", name)
        self.init(try make { mcp_client_new_from_config_text(text, text.utf8.count, name, $0) })
    }

    /// A server in a configuration file.
    public struct ConfiguredServer: Sendable, Hashable {
        /// The key of the server in the file.
        public let name: String
        /// Whether the file disables the server. Creating a client for a disabled server fails.
        public let isDisabled: Bool
    }

    /// Returns the servers of a configuration file, in the order of the file.
    ///
    /// - Throws: ``MCPError/Status/configInvalid`` if the file cannot be read or is invalid.
    public static func configServers(_ path: String) throws(MCPError) -> [ConfiguredServer] {
        try rejectNUL("the path of the file", path)
        return try document { mcp_config_servers(path, $0, $1) }.elements.compactMap { server in
            server["name"]?.string.map { ConfiguredServer(name: $0, isDisabled: server["disabled"]?.bool ?? false) }
        }
    }

    /// Returns the names of the servers of a configuration file, including disabled ones, in the order of the file.
    ///
    /// - Throws: ``MCPError/Status/configInvalid`` if the file cannot be read or is invalid.
    public static func configNames(_ path: String) throws(MCPError) -> [String] {
        try rejectNUL("the path of the file", path)
        return try document { mcp_config_names(path, $0, $1) }.elements.compactMap(\.string)
    }

    /// Returns the names of the servers in the text of a configuration, including disabled ones, in their order.
    ///
    /// - Throws: ``MCPError/Status/configInvalid`` if the text is invalid.
    public static func configNames(text: String) throws(MCPError) -> [String] {
        try document { mcp_config_names_text(text, text.utf8.count, $0, $1) }.elements.compactMap(\.string)
    }
}
