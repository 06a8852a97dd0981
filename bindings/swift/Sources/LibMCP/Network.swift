import CMCP

// Transport, TLS and proxies.
extension Client {
    /// Sets the transport. By default it is detected: a URL whose last path segment is "sse" uses HTTP+SSE, unless a
    /// GET does not return an event stream; any other URL uses Streamable HTTP, or HTTP+SSE if the server responds to
    /// `initialize` with 400, 404 or 405.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown transport, ``MCPError/Status/misuse`` after the
    ///   first call that contacted the server.
    public func setTransport(_ transport: Transport) throws(MCPError) {
        try set { mcp_set_transport($0, transport.rawValue, $1) }
    }

    /// Connects to the Unix domain socket at `path` instead of the URL's host and port, which the request still
    /// contains. No proxy is used then. nil (the default) means none.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a path that is empty or too long (107 bytes on Linux),
    ///   ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setUnixSocket(_ path: String?) throws(MCPError) {
        try rejectNUL("the path of the socket", path)
        try set { mcp_set_unix_socket($0, path, $1) }
    }

    /// Sets the proxy: "http://host:port", "socks5://host:port" (DNS lookup by the client) or "socks5h://host:port"
    /// (DNS lookup by the proxy). Credentials go before the host as "user:password@", percent-encoded. "" disables
    /// proxies; nil (the default) uses the proxy from the environment, by the rules of curl.
    ///
    /// Calls throw ``MCPError/Status/proxyFailed`` if the proxy cannot be reached or refuses to connect, and
    /// ``MCPError/Status/proxyAuthRequired`` if it requires other credentials.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an invalid URL, ``MCPError/Status/misuse`` after the first
    ///   call that contacted the server.
    public func setProxy(_ url: String?) throws(MCPError) {
        try rejectNUL("the proxy", url)
        try set { mcp_set_proxy($0, url, $1) }
    }

    /// Sets whether credentials may be sent to other machines only over HTTPS. If true, a request that would send
    /// credentials over plain HTTP throws ``MCPError/Status/insecure`` and is not sent. If false (the default), it is
    /// sent, and a warning is logged. Connections to this machine are always allowed.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func requireHTTPS(_ required: Bool = true) throws(MCPError) {
        try set { mcp_set_require_https($0, required, $1) }
    }

    /// Trusts the certificate authorities in a PEM file, in addition to those of the system. The file is read
    /// immediately, and replaces a file that was set before; nil (the default) means none.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a file that cannot be read or contains no certificate,
    ///   ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setTLSAuthorities(file path: String?) throws(MCPError) {
        try rejectNUL("the path of the authorities", path)
        try set { mcp_set_tls_ca_file($0, path, $1) }
    }

    /// Sets the client certificate for servers that require one (mutual TLS). The files are read immediately; nil (the
    /// default) means none.
    ///
    /// - Parameters:
    ///   - path: A PEM file with the certificate, followed by its intermediate certificates.
    ///   - key: A PEM file with the private key (PKCS #8, PKCS #1 or SEC 1, not encrypted); nil if it is in the same
    ///     file.
    /// - Throws: ``MCPError/Status/invalidArgument`` for files that cannot be read or do not match,
    ///   ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setTLSCertificate(file path: String?, key: String? = nil) throws(MCPError) {
        try rejectNUL("the path of the certificate", path)
        try rejectNUL("the path of the key", key)
        try set { mcp_set_tls_client_cert_file($0, path, key, $1) }
    }

    /// Sets whether the server's certificate is verified (true by default). **If false, an attacker in the network can
    /// read and change everything, including the token.** For development only; a warning is logged.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setTLSVerification(_ verify: Bool) throws(MCPError) {
        try set { mcp_set_tls_verify($0, verify, $1) }
    }
}

extension Client {
    /// A transport for messages.
    public struct Transport: RawRepresentable, Hashable, Sendable {
        /// The `mcp_transport` value of the C API.
        public let rawValue: Int32

        /// Creates a transport from an `mcp_transport` value of the C API. Later versions may add transports.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        private init(_ transport: mcp_transport) {
            rawValue = Int32(transport.rawValue)
        }

        /// Detected from the URL and the server's responses.
        public static let automatic = Transport(MCP_TRANSPORT_AUTO)
        /// Streamable HTTP: each message is sent with a POST, whose response carries the server's response.
        public static let streamableHTTP = Transport(MCP_TRANSPORT_STREAMABLE_HTTP)
        /// HTTP+SSE, the transport of 2024-11-05: responses arrive on a persistent event stream, which has its own
        /// thread.
        public static let sse = Transport(MCP_TRANSPORT_SSE)
    }
}
