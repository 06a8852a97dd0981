import Foundation
import LibMCP
import Testing

/// An MCP server (2026-07-28) that requires a token, and its authorization server, which is also an identity provider:
/// all of them on one port.
final class OAuthServer: Sendable {
    struct State: Sendable {
        var requests: [HTTPRequest] = []
        /// How many tokens were issued.
        var issued = 0
        /// The access tokens that the MCP server accepts.
        var accepted: Set<String> = []
    }

    let state: Shared<State>
    private let server: LoopbackServer

    init() throws {
        let state = Shared(State())
        self.state = state
        server = try LoopbackServer { request in state.change { $0.respond(to: request) } }
    }

    var origin: String { "http://127.0.0.1:\(server.port)" }
    var url: String { origin + "/mcp" }

    /// A client with a timeout, so that a hang fails the test.
    func client(_ oauth: OAuth? = nil) throws -> Client {
        let client = try Client(url, oauth: oauth)
        try client.setTimeout(.seconds(30))
        return client
    }

    /// The requests for a path.
    func requests(_ path: String) -> [HTTPRequest] {
        state.value.requests.filter { $0.path == path }
    }

    /// The redirect after the user has approved a login, or refused it with an error code.
    func redirect(_ login: URL, error: String? = nil) throws -> URL {
        let query = fields(try #require(login.query(percentEncoded: true)))
        #expect(login.path() == "/authorize" && query["response_type"] == "code")
        #expect(query["code_challenge_method"] == "S256" && query["code_challenge"]?.count == 43)
        #expect(query["resource"] == url && query["client_id"]?.isEmpty == false)
        let uri = try #require(query["redirect_uri"])
        let state = try #require(query["state"])
        let outcome = error.map { "error=\($0)" } ?? "code=a-code"
        return try #require(URL(string: "\(uri)?\(outcome)&state=\(state)&iss=\(origin)"))
    }
}

extension OAuthServer.State {
    mutating func respond(to request: HTTPRequest) -> HTTPResponse {
        requests.append(request)
        let origin = "http://" + (request.headers["host"] ?? "")
        switch request.path {
        case "/mcp":
            return respondToCall(request, origin)
        case "/.well-known/oauth-protected-resource/mcp":
            return HTTPResponse(json: #"{"resource":"\#(origin)/mcp","authorization_servers":["\#(origin)"]}"#)
        case "/.well-known/oauth-authorization-server":
            return HTTPResponse(json: metadata(origin))
        case "/register":
            return HTTPResponse(status: 201, json: #"{"client_id":"registered-client"}"#)
        case "/token":
            issued += 1
            accepted.insert("token-\(issued)")
            let members = #""token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-\#(issued)""#
            return HTTPResponse(json: #"{"access_token":"token-\#(issued)",\#(members)}"#)
        case "/identity":
            let kind = "urn:ietf:params:oauth:token-type:id-jag"
            return HTTPResponse(
                json: #"{"access_token":"identity-grant","issued_token_type":"\#(kind)","token_type":"N_A"}"#)
        case "/revoke":
            accepted.remove(request.form["token"] ?? "")
            return HTTPResponse()
        default:
            return HTTPResponse(status: 404)
        }
    }

    private func respondToCall(_ request: HTTPRequest, _ origin: String) -> HTTPResponse {
        let words = request.headers["authorization"]?.split(separator: " ") ?? []
        guard words.first == "Bearer", accepted.contains(String(words.last ?? "")) else {
            let metadata = "\(origin)/.well-known/oauth-protected-resource/mcp"
            let challenge = #"Bearer resource_metadata="\#(metadata)""#
            return HTTPResponse(status: 401, headers: ["WWW-Authenticate": challenge])
        }
        let id = (try? JSON(parsing: request.body))?["id"]?.raw ?? "null"
        let about = #""capabilities":{},"serverInfo":{"name":"oauth","version":"1"}"#
        let discovered = #""supportedVersions":["2026-07-28"],\#(about),"ttlMs":0,"cacheScope":"public""#
        return HTTPResponse(
            json: #"{"jsonrpc":"2.0","id":\#(id),"result":{"resultType":"complete",\#(discovered)}}"#)
    }

    private func metadata(_ origin: String) -> String {
        #"""
        {"issuer":"\#(origin)","authorization_endpoint":"\#(origin)/authorize","token_endpoint":"\#(origin)/token",
        "registration_endpoint":"\#(origin)/register","revocation_endpoint":"\#(origin)/revoke",
        "response_types_supported":["code"],"code_challenge_methods_supported":["S256"],
        "token_endpoint_auth_methods_supported":["none","client_secret_basic","private_key_jwt"],
        "authorization_response_iss_parameter_supported":true}
        """#
    }
}
