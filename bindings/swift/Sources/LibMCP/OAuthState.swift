import Foundation

/// What is known of a client's login, without asking a server. It contains no token and no secret.
public struct OAuthState: Sendable {
    /// The complete state.
    public let json: JSON

    /// Whether there is an access token that has not expired, or a refresh token. The server may have revoked them.
    public var isLoggedIn: Bool { json["loggedIn"]?.bool ?? false }
    /// The issuer of the authorization server; nil if it is unknown.
    public var issuer: String? { json["issuer"]?.string }
    /// The resource for which tokens are requested; nil if there is none or it is unknown.
    public var resource: String? { json["resource"]?.string }
    /// The application's client id at the authorization server; nil if it has none yet.
    public var clientID: String? { json["clientId"]?.string }
    /// Where the client id comes from; nil if there is none.
    public var registration: Registration? { json["registration"]?.string.map { Registration(rawValue: $0) } }
    /// The scopes of the token; nil if they are unknown.
    public var scopes: [String]? { json["scopes"].map { $0.elements.compactMap(\.string) } }
    /// When the token expires; nil if it is unknown.
    public var expiresAt: Date? { json["expiresAt"]?.double.map { Date(timeIntervalSince1970: $0) } }
    /// Whether the token can be renewed without the user.
    public var isRefreshable: Bool { json["refreshable"]?.bool ?? false }
    /// The claims of the ID token (OpenID Connect Core, section 2), for display only; nil if there is none.
    public var idToken: JSON? { json["idToken"] }
}

extension OAuthState {
    /// Where the client id of an application comes from.
    public struct Registration: RawRepresentable, Hashable, Sendable {
        /// The name in the C API.
        public let rawValue: String

        /// Creates a value from its name in the C API.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// It was configured: ``OAuth/setClient(_:secret:issuer:)``.
        public static let configured = Registration(rawValue: "configured")
        /// It is the URL of a document: ``OAuth/setClientURL(_:)``.
        public static let metadataDocument = Registration(rawValue: "metadata_document")
        /// The application has registered: ``OAuth/setRegistration(_:metadata:)``.
        public static let registered = Registration(rawValue: "registered")
    }
}
