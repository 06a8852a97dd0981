import CMCP
import Foundation

/// A request of the server to the client: for input from the user, for a model's response, or for the roots.
public struct InputRequest: Sendable {
    /// The method: "elicitation/create", "sampling/createMessage" or "roots/list".
    public let method: String
    /// The parameters, an object.
    public let params: JSON
    /// The name of the client whose server asks: the one in the configuration file, or else the host or the program.
    public let clientName: String

    fileprivate let request: DeferredRequest

    /// Whether a result is no longer needed: the server has cancelled its request, the call that needs the result has
    /// ended, the time for the input has passed, the client was closed, or the handler has returned. The task of the
    /// handler is cancelled then: a handler that does not use `Task.isCancelled` can check this.
    public var isCancelled: Bool { request.use { mcp_input_is_over($0) } ?? true }

    /// The message for the user (elicitation only).
    public var message: String? { params["message"]?.string }
    /// The JSON schema of the form that the user fills in (form elicitation only).
    public var requestedSchema: JSON? { params["requestedSchema"] }
    /// The URL that the user is asked to open (URL elicitation only).
    public var url: String? { params["url"]?.string }
}

/// The user's response to an elicitation.
public enum ElicitationAnswer: Sendable {
    /// The user has accepted. The content is an object with the values that were filled in; omitted values get the
    /// schema's default, if it has one. nil omits all values, as is usual for a URL.
    case accept(_ content: JSON? = nil)
    /// The user has declined.
    case decline
    /// The user has dismissed the request without a choice.
    case cancel
    /// A complete result, an object.
    case result(JSON)
}

/// A folder or file that the server may access.
public struct Root: Sendable, Hashable, Codable {
    /// The location: a URI that starts with "file://".
    public var uri: String
    /// A display name.
    public var name: String?

    /// Creates a root.
    public init(uri: String, name: String? = nil) {
        self.uri = uri
        self.name = name
    }
}

/// An error with the JSON-RPC code and message that the server receives. For all other errors that a handler throws,
/// the code is -32603 and the message is the error's description.
public struct InputError: Error, Sendable, Hashable {
    /// The code of the JSON-RPC error, such as -1 if the user has rejected the request (specification 2026-07-28,
    /// "Sampling": Error Handling).
    public var code: Int64
    /// The message of the JSON-RPC error.
    public var message: String

    /// Creates an error.
    public init(code: Int64, message: String) {
        self.code = code
        self.message = message
    }
}

extension InputError: LocalizedError {
    /// The message.
    public var errorDescription: String? { message }
}

/// Asks the user for input.
public typealias ElicitationHandler = @Sendable (_ request: InputRequest) async throws -> ElicitationAnswer

/// Requests a response from a model and returns the complete result.
public typealias SamplingHandler = @Sendable (_ request: InputRequest) async throws -> JSON

/// Returns the roots that the server may access.
public typealias RootsHandler = @Sendable (_ request: InputRequest) async throws -> [Root]

/// Common to all handlers:
///
/// - If no handler is set, the client does not declare the capability to the server. Set handlers before the first
///   call.
/// - A handler runs as a task, several at the same time. The call that needs the input waits for it; its time does not
///   count against any timeout except ``setInputTimeout(_:)``. It may make calls, also on the same client.
/// - The task is cancelled when the result is no longer needed, for example because the call was cancelled. The call
///   does not wait until the handler has returned, and its result is ignored.
/// - If a handler throws, a legacy server receives a JSON-RPC error, and the call continues; with a modern server, the
///   call throws ``MCPError/Status/inputFailed``, and the handler's error is ``MCPError/underlyingError``.
/// - The client retains its handlers until it is freed: capture the client weakly.
extension Client {
    /// Sets the handler that asks the user for input (specification 2026-07-28, "Elicitation"). Show the user which
    /// server asks, let the user decline, and do not open a URL without the user's consent.
    ///
    ///     try client.setElicitation { request in
    ///         guard let name = await ask(request.message ?? "") else { return .decline }
    ///         return .accept(["name": "\(name)"])
    ///     }
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setElicitation(_ handler: @escaping ElicitationHandler) throws(MCPError) {
        let userdata = Box<ElicitationHandler>(handler).retained()
        try set { mcp_set_elicitation($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// Sets the handler that requests a response from a model (specification 2026-07-28, "Sampling"). The parameters
    /// have "messages", "maxTokens" and more, optionally "tools". The result is an object with "role", "content",
    /// "model" and optionally "stopReason". Let the user review both, and reject either.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setSampling(_ handler: @escaping SamplingHandler) throws(MCPError) {
        let userdata = Box<ElicitationHandler> { .result(try await handler($0)) }.retained()
        try set { mcp_set_sampling($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// Sets the handler that returns the folders and files that the server may access (specification 2026-07-28,
    /// "Roots").
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setRoots(_ handler: @escaping RootsHandler) throws(MCPError) {
        let userdata = Box<ElicitationHandler> { .result(try JSON(encoding: ["roots": await handler($0)])) }.retained()
        try set { mcp_set_roots($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// Sets how long a handler may take; `.zero` (the default) means no limit, because a person may take long. After
    /// this time, an elicitation is answered with ``ElicitationAnswer/cancel``, any other request with an error, and
    /// the task of the handler is cancelled. Rounded up to milliseconds.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setInputTimeout(_ timeout: Duration) throws(MCPError) {
        let milliseconds = try timeout.milliseconds("the timeout")
        try set { mcp_set_input_timeout($0, milliseconds, $1) }
    }
}

extension DeferredRequest.Kind {
    fileprivate static let input = DeferredRequest.Kind(
        postpone: mcp_input_defer, setOver: mcp_input_set_over, fail: failInput, free: mcp_input_free)
}

private func inputTrampoline(_ userdata: UnsafeMutableRawPointer?, _ input: OpaquePointer) {
    guard let userdata, let params = mcp_input_params(input) else { return }
    let handler = Box<ElicitationHandler>.at(userdata).content
    let method = String(cString: mcp_input_method(input))
    let name = String(cString: mcp_input_client_name(input))
    let json = JSON(copying: params)
    DeferredRequest.answer(input, .input) { request in
        let answer = try await handler(
            InputRequest(method: method, params: json, clientName: name, request: request))
        return { try respond($0, answer) }
    }
}

private func failInput(_ input: OpaquePointer, _ error: any Error) {
    let code = (error as? InputError)?.code ?? -32603
    _ = mcp_input_fail_with(input, code, errorText(error), Box<any Error>(error).retained(), releaseBox, nil)
}

private func respond(_ input: OpaquePointer, _ answer: ElicitationAnswer) throws(MCPError) {
    try check { error in
        switch answer {
        case .accept(let content): withJSONText(content) { mcp_input_accept(input, $0, $1, error) }
        case .decline: mcp_input_decline(input, error)
        case .cancel: mcp_input_cancel(input, error)
        case .result(let result): withJSONText(result) { mcp_input_respond(input, $0, $1, error) }
        }
    }
}
