import CMCP

// Transport, TLS and proxies. All of these throw `misuse` after the first call that went to the server.
extension Client {
    /// Sets how messages travel. At the start it is found out: a URL whose path's last segment is "sse" leads to HTTP+SSE,
    /// unless its GET is no event stream; any other to Streamable HTTP, and to HTTP+SSE where `initialize` is answered
    /// with 400, 404 or 405.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown transport, ``MCPError/Status/misuse`` after the first call that went to
    ///   the server.
    public func setTransport(_ transport: Transport) throws(MCPError) {
        try set { mcp_set_transport($0, transport.rawValue, $1) }
    }

    /// Connects to the Unix domain socket at `path` in place of the URL's host and port, which the server still sees in
    /// the request. No proxy is used then. nil, as at the start, is none.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a path that is empty or too long (107 bytes on Linux), ``MCPError/Status/misuse``
    ///   after the first call that went to the server.
    public func setUnixSocket(_ path: String?) throws(MCPError) {
        try rejectNUL("the path of the socket", path)
        try set { mcp_set_unix_socket($0, path, $1) }
    }

    /// Sets the proxy: "http://host:port", "socks5://host:port" (names are looked up here) or "socks5h://host:port" (by
    /// the proxy), with "user:password@" in front of the host where it wants that, percent-encoded. "" is no proxy at
    /// all; nil, as at the start, is what the environment says, by the rules of curl.
    ///
    /// A proxy that refuses or cannot be reached is ``MCPError/Status/proxyFailed``, one that wants other credentials
    /// ``MCPError/Status/proxyAuthRequired``.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a URL that cannot be used, ``MCPError/Status/misuse`` after the first call that
    ///   went to the server.
    public func setProxy(_ url: String?) throws(MCPError) {
        try rejectNUL("the proxy", url)
        try set { mcp_set_proxy($0, url, $1) }
    }

    /// Whether credentials may go to another machine over https only. If so, a request that carries any over plain http
    /// throws ``MCPError/Status/insecure`` before it is sent; if not, as at the start, it is sent, with a warning to the log. This
    /// machine itself is always allowed.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that went to the server.
    public func requireHTTPS(_ required: Bool = true) throws(MCPError) {
        try set { mcp_set_require_https($0, required, $1) }
    }

    /// Trusts the certificate authorities in a PEM file, beside those that the system trusts, and in place of an earlier
    /// file. nil, as at the start, is none. The file is read now.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a file that cannot be read or holds no certificate, ``MCPError/Status/misuse``
    ///   after the first call that went to the server.
    public func setTLSAuthorities(file path: String?) throws(MCPError) {
        try rejectNUL("the path of the authorities", path)
        try set { mcp_set_tls_ca_file($0, path, $1) }
    }

    /// Shows a certificate to servers that ask for one (mutual TLS). nil, as at the start, is none. The files are read
    /// now.
    ///
    /// - Parameters:
    ///   - path: A PEM file with the certificate, and those between it and its authority behind it.
    ///   - key: A PEM file with the private key (PKCS #8, PKCS #1 or SEC 1, not encrypted); nil where it is in the same
    ///     file.
    /// - Throws: ``MCPError/Status/invalidArgument`` for files that cannot be read or do not belong together, ``MCPError/Status/misuse``
    ///   after the first call that went to the server.
    public func setTLSCertificate(file path: String?, key: String? = nil) throws(MCPError) {
        try rejectNUL("the path of the certificate", path)
        try rejectNUL("the path of the key", key)
        try set { mcp_set_tls_client_cert($0, path, key, $1) }
    }

    /// Whether a server has to prove who it is; true at the start. **With false, anybody on the way can read and change
    /// everything, the token included.** For development; the log gets a warning.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that went to the server.
    public func setTLSVerification(_ verify: Bool) throws(MCPError) {
        try set { mcp_set_tls_verify($0, verify, $1) }
    }
}

extension Client {
    /// How messages travel.
    public struct Transport: RawRepresentable, Hashable, Sendable {
        /// The number of the C API.
        public let rawValue: Int32

        /// A transport by its number of the C API; a later version may add more.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        private init(_ transport: mcp_transport) {
            rawValue = Int32(transport.rawValue)
        }

        /// To be found out from the URL and the server.
        public static let automatic = Transport(MCP_TRANSPORT_AUTO)
        /// Streamable HTTP: every message is a POST, with its answer in the answer to it.
        public static let streamableHTTP = Transport(MCP_TRANSPORT_STREAMABLE_HTTP)
        /// HTTP+SSE, the transport of 2024-11-05: answers come on an event stream that stays open, with a thread of its own.
        public static let sse = Transport(MCP_TRANSPORT_SSE)
    }
}
