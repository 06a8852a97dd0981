import CMCP
import Foundation

/// What a server asks of the program: of a person, of a model, or for its roots.
public struct InputRequest: Sendable {
    /// What is asked: "elicitation/create", "sampling/createMessage" or "roots/list".
    public let method: String
    /// The parameters, an object.
    public let params: JSON

    fileprivate let handle: InputHandle

    /// Whether an answer would come too late: the server has cancelled its request, or the call that needs the answer was
    /// cancelled, or its client closed; or the handler has returned. A handler that waits for a person looks from time to
    /// time, and returns.
    public var isCancelled: Bool { handle.isCancelled }

    /// Of an elicitation: what to ask the person.
    public var message: String? { params["message"]?.string }
    /// Of an elicitation by form: the JSON schema of what the person fills in.
    public var requestedSchema: JSON? { params["requestedSchema"] }
    /// Of an elicitation by URL: what the person is to open.
    public var url: String? { params["url"]?.string }
}

/// An input, which is there as long as its handler runs.
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

/// What a person made of an elicitation.
public enum ElicitationAnswer: Sendable {
    /// The person has agreed. The content is an object with what was filled in; what it leaves out gets the schema's
    /// default, where that has one. nil leaves everything out, as it is for a URL.
    case accept(_ content: JSON? = nil)
    /// The person has said no.
    case decline
    /// The person has made no choice.
    case cancel
    /// A whole result, an object.
    case result(JSON)
}

/// A folder or a file that the server may look at.
public struct Root: Sendable, Hashable, Codable {
    /// Where it is: a URI that begins with "file://".
    public var uri: String
    /// A name for people.
    public var name: String?

    /// A root.
    public init(uri: String, name: String? = nil) {
        self.uri = uri
        self.name = name
    }
}

/// What a handler throws to say with which code and words it gives no answer; for other errors, they are -32603 and the
/// error's description.
public struct InputError: Error, Sendable, Hashable {
    /// The code of the JSON-RPC error, such as -1 for a person who has refused (specification 2026-07-28, "Sampling": Error
    /// Handling).
    public var code: Int64
    /// What went wrong.
    public var message: String

    /// An error.
    public init(code: Int64, message: String) {
        self.code = code
        self.message = message
    }
}

extension InputError: LocalizedError {
    /// The message.
    public var errorDescription: String? { message }
}

/// Asks a person.
public typealias ElicitationHandler = @Sendable (_ request: InputRequest) async throws -> ElicitationAnswer

/// Asks a model, and gives its whole result.
public typealias SamplingHandler = @Sendable (_ request: InputRequest) async throws -> JSON

/// Tells the roots.
public typealias RootsHandler = @Sendable (_ request: InputRequest) async throws -> [Root]

/// What handlers have in common.
///
/// - Where none is set, the server is told that this client cannot do it. They are set before the first call.
/// - A handler runs as a task on threads of the binding's own. The call that the server needs the input for waits; the
///   handler's time counts against no timeout, and it is cancelled with the task that calls. Where the server asks by
///   itself, and no call waits, a call on the same client throws ``MCPError/Status/misuse``.
/// - What it throws goes to a legacy server as a JSON-RPC error, and the call goes on; on a modern one the call throws
///   ``MCPError/Status/inputFailed``.
/// - It lives as long as the client, so hold the client in it weakly.
extension Client {
    /// Sets the handler that asks a person (specification 2026-07-28, "Elicitation"). Show which server asks, let the person
    /// decline, and open no URL unasked.
    ///
    ///     try client.setElicitation { request in
    ///         guard let name = await ask(request.message ?? "") else { return .decline }
    ///         return .accept(["name": "\(name)"])
    ///     }
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that went to the server.
    public func setElicitation(_ handler: @escaping ElicitationHandler) throws(MCPError) {
        let userdata = makeUserdata(handler)
        try set { mcp_set_elicitation($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// Sets the handler that asks a model (specification 2026-07-28, "Sampling"): the parameters have "messages",
    /// "maxTokens" and more, perhaps "tools". The answer is an object with "role", "content", "model" and perhaps
    /// "stopReason". A person should see both, and be able to say no.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that went to the server.
    public func setSampling(_ handler: @escaping SamplingHandler) throws(MCPError) {
        let userdata = makeUserdata { .result(try await handler($0)) }
        try set { mcp_set_sampling($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// Sets the handler that tells which folders the server may look at (specification 2026-07-28, "Roots").
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that went to the server.
    public func setRoots(_ handler: @escaping RootsHandler) throws(MCPError) {
        let userdata = makeUserdata { .result(try JSON(encoding: ["roots": await handler($0)])) }
        try set { mcp_set_roots($0, inputTrampoline, userdata, releaseBox, $1) }
    }

    /// A handler as userdata, which knows whose it is.
    private func makeUserdata(_ handler: @escaping ElicitationHandler) -> UnsafeMutableRawPointer {
        let client = ObjectIdentifier(self)
        let blockingHandler: InputHandler = { request in
            // On a reader thread, the client hears nothing until the handler has returned.
            let call = Client.call
            let waiting = call == nil ? Client.waitingClients.union([client]) : Client.waitingClients
            return try Client.$waitingClients.withValue(waiting) {
                try runBlocking(within: call) { try await handler(request) }
            }
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
        // Before it is answered: only one thread at a time may use it.
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
