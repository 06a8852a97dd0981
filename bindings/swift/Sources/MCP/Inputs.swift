import CMCP
import Foundation

/// A request of the server to the client: for input from the user, for a model's response, or for the roots.
public struct InputRequest: Sendable {
    /// The method: "elicitation/create", "sampling/createMessage" or "roots/list".
    public let method: String
    /// The parameters, an object.
    public let params: JSON

    fileprivate let handle: InputHandle

    /// Whether a result is no longer needed: the server has cancelled its request, the call that needs the result was
    /// cancelled, the client was closed, or the handler has returned. A handler that waits for the user should check
    /// this regularly and return when it is true.
    public var isCancelled: Bool { handle.isCancelled }

    /// The message for the user (elicitation only).
    public var message: String? { params["message"]?.string }
    /// The JSON schema of the form that the user fills in (form elicitation only).
    public var requestedSchema: JSON? { params["requestedSchema"] }
    /// The URL that the user is asked to open (URL elicitation only).
    public var url: String? { params["url"]?.string }
}

/// The C API's input object, which is valid until the handler returns.
private final class InputHandle: @unchecked Sendable {
    private let lock = NSLock()
    private var input: OpaquePointer?

    init(_ input: OpaquePointer) {
        self.input = input
    }

    var isCancelled: Bool {
        lock.withLock { input.map { mcp_input_is_cancelled($0) } ?? true }
    }

    func invalidate() {
        lock.withLock { input = nil }
    }
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
/// - A handler runs as a task on threads of the binding. The call that needs the input waits for it; its time does not
///   count against any timeout, and it is cancelled with the task that makes the call. If the server sends a request
///   while no call waits for it, calls on the same client inside the handler throw ``MCPError/Status/misuse``.
/// - If a handler throws, a legacy server receives a JSON-RPC error, and the call continues; with a modern server, the
///   call throws ``MCPError/Status/inputFailed``.
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
        let userdata = makeUserdata(handler)
        try set { mcp_set_elicitation($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// Sets the handler that requests a response from a model (specification 2026-07-28, "Sampling"). The parameters
    /// have "messages", "maxTokens" and more, optionally "tools". The result is an object with "role", "content",
    /// "model" and optionally "stopReason". Let the user review both, and reject either.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setSampling(_ handler: @escaping SamplingHandler) throws(MCPError) {
        let userdata = makeUserdata { .result(try await handler($0)) }
        try set { mcp_set_sampling($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// Sets the handler that returns the folders and files that the server may access (specification 2026-07-28,
    /// "Roots").
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setRoots(_ handler: @escaping RootsHandler) throws(MCPError) {
        let userdata = makeUserdata { .result(try JSON(encoding: ["roots": await handler($0)])) }
        try set { mcp_set_roots($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// Wraps a handler as `userdata` for the C API. Marks this client as waiting while the handler runs, if no call
    /// does.
    private func makeUserdata(_ handler: @escaping ElicitationHandler) -> UnsafeMutableRawPointer {
        let client = ObjectIdentifier(self)
        let blockingHandler: InputHandler = { request in
            // No call: this is the reader thread, which receives nothing until the handler has returned.
            let call = Client.call
            let run = { try runBlocking(within: call) { try await handler(request) } }
            return try call == nil ? Client.withWaiting(client, run) : run()
        }
        return Box(blockingHandler).retained()
    }
}

private typealias InputHandler = @Sendable (InputRequest) throws -> ElicitationAnswer

private func inputTrampoline(_ userdata: UnsafeMutableRawPointer?, _ input: OpaquePointer) {
    guard let userdata else { return }
    do {
        let request = try request(input)
        let answer = Result { try Box<InputHandler>.at(userdata).content(request) }
        // The input must not be used by two threads: `isCancelled` must not read it while it is answered.
        request.handle.invalidate()
        try respond(input, answer.get())
    } catch {
        let code = (error as? InputError)?.code ?? -32603
        _ = mcp_input_fail(input, code, errorText(error), nil)
    }
}

private func request(_ input: OpaquePointer) throws(MCPError) -> InputRequest {
    guard let params = mcp_input_params(input) else {
        throw MCPError(.internal, "libmcp returned no parameters")
    }
    let method = String(cString: mcp_input_method(input))
    return InputRequest(method: method, params: try JSON(copying: params), handle: InputHandle(input))
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
