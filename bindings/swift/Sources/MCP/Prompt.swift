import CMCP

/// A prompt of the server's.
public struct Prompt: Sendable, ListElement {
    /// The prompt as it came: what has no property here is in it.
    public let json: JSON

    /// What it is got by.
    public var name: String { json["name"]?.string ?? "" }
    /// A name for people.
    public var title: String? { json["title"]?.string }
    /// What it is for.
    public var description: String? { json["description"]?.string }
    /// What can be filled in.
    public var arguments: [Argument] { json["arguments"]?.elements.map(Argument.init) ?? [] }
    /// Its `_meta`.
    public var meta: JSON? { json["_meta"] }

    static let key = "prompts"
    static var list: ListFunction { mcp_list_prompts }
    static var listPage: PageFunction { mcp_list_prompts_page }

    /// What can be filled in.
    public struct Argument: Sendable {
        /// The argument as it came.
        public let json: JSON

        /// What it is given by.
        public var name: String { json["name"]?.string ?? "" }
        /// A name for people.
        public var title: String? { json["title"]?.string }
        /// What it stands for.
        public var description: String? { json["description"]?.string }
        /// Whether it has to be given.
        public var isRequired: Bool { json["required"]?.bool ?? false }
    }
}

/// A prompt with its arguments filled in.
public struct GetPromptResult: Sendable {
    /// The result as it came.
    public let json: JSON

    /// What it is for.
    public var description: String? { json["description"]?.string }
    /// What a model is to be told.
    public var messages: [Message] { json["messages"]?.elements.map(Message.init) ?? [] }
    /// Its `_meta`.
    public var meta: JSON? { json["_meta"] }

    /// One thing that a model is to be told.
    public struct Message: Sendable {
        /// The message as it came.
        public let json: JSON

        /// Whose it is: "user" or "assistant".
        public var role: String { json["role"]?.string ?? "" }
        /// What it says: an object with a "type", such as "text", "image" or "resource".
        public var content: JSON? { json["content"] }
        /// The text, where it is one.
        public var text: String? { content?["text"]?.string }
    }
}

/// What may stand for an argument.
public struct Completion: Sendable {
    /// The result as it came.
    public let json: JSON

    /// At most 100 values.
    public var values: [String] { json.at("/completion/values")?.elements.compactMap(\.string) ?? [] }
    /// How many there are in all.
    public var total: Int? { json.at("/completion/total")?.int }
    /// Whether there are more.
    public var hasMore: Bool? { json.at("/completion/hasMore")?.bool }
}

extension Calls {
    static func getPrompt(_ name: String, _ arguments: [String: String]) -> NativeCall<GetPromptResult> {
        { client, options throws(MCPError) in
            try rejectNUL("the name of the prompt", name)
            let result = try document { result, error in
                withJSONText(JSON(texts: arguments)) { mcp_get_prompt(client, name, $0, $1, options, result, error) }
            }
            return GetPromptResult(json: result)
        }
    }

    static func completePrompt(
        _ prompt: String, _ argument: String, _ value: String, _ context: [String: String]
    ) -> NativeCall<Completion> {
        { client, options throws(MCPError) in
            try rejectNUL("the name of the prompt", prompt)
            let knownArguments = try checked(argument, value, context)
            let result = try document {
                mcp_complete_prompt(client, prompt, argument, value, knownArguments, options, $0, $1)
            }
            return Completion(json: result)
        }
    }

    static func completeResource(
        _ uriTemplate: String, _ argument: String, _ value: String, _ context: [String: String]
    ) -> NativeCall<Completion> {
        { client, options throws(MCPError) in
            try rejectNUL("the URI template", uriTemplate)
            let knownArguments = try checked(argument, value, context)
            let result = try document {
                mcp_complete_resource(client, uriTemplate, argument, value, knownArguments, options, $0, $1)
            }
            return Completion(json: result)
        }
    }

    /// The arguments that are known already, as the C API takes them.
    private static func checked(
        _ argument: String, _ value: String, _ context: [String: String]
    ) throws(MCPError) -> String? {
        try rejectNUL("the name of the argument", argument)
        try rejectNUL("the value of the argument", value)
        return JSON(texts: context)?.raw
    }
}
