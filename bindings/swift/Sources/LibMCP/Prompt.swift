import CMCP

/// A prompt that the server provides.
public struct Prompt: Sendable, ListElement {
    /// The complete prompt as the server sent it.
    public let json: JSON

    /// The name that identifies the prompt in ``Client/getPrompt(_:arguments:timeout:idleTimeout:options:)``.
    public var name: String { json["name"]?.string ?? "" }
    /// A display name.
    public var title: String? { json["title"]?.string }
    /// A description of the prompt.
    public var description: String? { json["description"]?.string }
    /// The arguments of the prompt.
    public var arguments: [Argument] { json["arguments"]?.elements.map(Argument.init) ?? [] }
    /// The `_meta` object of the prompt.
    public var meta: JSON? { json["_meta"] }

    static let key = "prompts"
    static var list: ListFunction { mcp_list_prompts }
    static var listPage: PageFunction { mcp_list_prompts_page }

    /// An argument of a prompt.
    public struct Argument: Sendable {
        /// The complete argument as the server sent it.
        public let json: JSON

        /// The name that identifies the argument.
        public var name: String { json["name"]?.string ?? "" }
        /// A display name.
        public var title: String? { json["title"]?.string }
        /// A description of the argument.
        public var description: String? { json["description"]?.string }
        /// Whether the argument is required.
        public var isRequired: Bool { json["required"]?.bool ?? false }
    }
}

/// A prompt with its arguments filled in.
public struct GetPromptResult: Sendable {
    /// The complete result as the server sent it.
    public let json: JSON

    /// A description of the prompt.
    public var description: String? { json["description"]?.string }
    /// The messages for the model.
    public var messages: [Message] { json["messages"]?.elements.map(Message.init) ?? [] }
    /// The `_meta` object of the result.
    public var meta: JSON? { json["_meta"] }

    /// A message for the model.
    public struct Message: Sendable {
        /// The complete message as the server sent it.
        public let json: JSON

        /// The role of the author: "user" or "assistant".
        public var role: String { json["role"]?.string ?? "" }
        /// The content: an object with a "type", such as "text", "image" or "resource".
        public var content: JSON? { json["content"] }
        /// The text of the content; nil for other types.
        public var text: String? { content?["text"]?.string }
    }
}

/// Suggested values for an argument.
public struct Completion: Sendable {
    /// The complete result as the server sent it.
    public let json: JSON

    /// The suggested values, at most 100.
    public var values: [String] { json.pointer("/completion/values")?.elements.compactMap(\.string) ?? [] }
    /// The total number of values; nil if the server does not report it.
    public var total: Int? { json.pointer("/completion/total")?.int }
    /// Whether more values exist; nil if the server does not report it.
    public var hasMore: Bool? { json.pointer("/completion/hasMore")?.bool }
}

extension Calls {
    static func getPrompt(_ name: String, _ arguments: [String: String]) -> NativeCall<GetPromptResult> {
        NativeCall(GetPromptResult.init) { client, options, result, error throws(MCPError) in
            try rejectNUL("the name of the prompt", name)
            return withJSONText(JSON(texts: arguments)) {
                mcp_get_prompt(client, name, $0, $1, options, result, error)
            }
        }
    }

    static func completePrompt(
        _ prompt: String, _ argument: String, _ value: String, _ context: [String: String]
    ) -> NativeCall<Completion> {
        NativeCall(Completion.init) { client, options, result, error throws(MCPError) in
            try rejectNUL("the name of the prompt", prompt)
            let knownArguments = try checked(argument, value, context)
            return withJSONText(knownArguments) {
                mcp_complete_prompt(client, prompt, argument, value, $0, $1, options, result, error)
            }
        }
    }

    static func completeResource(
        _ uriTemplate: String, _ argument: String, _ value: String, _ context: [String: String]
    ) -> NativeCall<Completion> {
        NativeCall(Completion.init) { client, options, result, error throws(MCPError) in
            try rejectNUL("the URI template", uriTemplate)
            let knownArguments = try checked(argument, value, context)
            return withJSONText(knownArguments) {
                mcp_complete_resource(client, uriTemplate, argument, value, $0, $1, options, result, error)
            }
        }
    }

    /// Checks the strings for NUL and returns the context as JSON; nil if it is empty.
    private static func checked(
        _ argument: String, _ value: String, _ context: [String: String]
    ) throws(MCPError) -> JSON? {
        try rejectNUL("the name of the argument", argument)
        try rejectNUL("the value of the argument", value)
        return JSON(texts: context)
    }
}
