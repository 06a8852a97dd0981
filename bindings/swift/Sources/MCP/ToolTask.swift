import CMCP

/// Work of a tool that goes on at the server while nobody waits.
public struct ToolTask: Sendable {
    /// The task as it came: one of a modern server that has ended has its "result" or "error" there.
    public let json: JSON

    /// Names the task. Keep it: with it, another process can ask for the task as well.
    public var id: String { json["taskId"]?.string ?? "" }
    /// How it stands.
    public var status: Status? { json["status"]?.string.map { Status(rawValue: $0) } }
    /// What the server says of that.
    public var statusMessage: String? { json["statusMessage"]?.string }
    /// What a task of a modern server asks for: an object with a request under each key.
    public var inputRequests: JSON? { json["inputRequests"] }
    /// How long the server keeps it.
    public var ttl: Duration? { duration("ttlMs") ?? duration("ttl") }
    /// How long the server wants to be left alone between two questions.
    public var pollInterval: Duration? { duration("pollIntervalMs") ?? duration("pollInterval") }

    private func duration(_ name: String) -> Duration? {
        json[name]?.double.map { .milliseconds($0) }
    }
}

extension ToolTask {
    /// How a task stands, as the specification calls it.
    public struct Status: RawRepresentable, Hashable, Sendable {
        /// The specification's word.
        public let rawValue: String

        /// A status by the specification's word.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// It goes on.
        public static let working = Status(rawValue: "working")
        /// It waits for input.
        public static let inputRequired = Status(rawValue: "input_required")
        /// It has a result.
        public static let completed = Status(rawValue: "completed")
        /// It has an error.
        public static let failed = Status(rawValue: "failed")
        /// Somebody has ended it.
        public static let cancelled = Status(rawValue: "cancelled")
    }
}

/// What became of a tool that was started.
public enum StartedTool: Sendable {
    /// The server goes on with it.
    case task(ToolTask)
    /// It has ended already.
    case result(ToolResult)

    init(json: JSON) {
        let isTask = json.use { mcp_task_id($0) != nil }
        self = isTask ? .task(ToolTask(json: json["task"] ?? json)) : .result(ToolResult(json: json))
    }

    func successful() throws(ToolError) -> StartedTool {
        if case .result(let result) = self {
            return .result(try result.successful())
        }
        return self
    }
}

extension Calls {
    static func startTool(_ name: String, _ arguments: JSON?) -> NativeCall<StartedTool> {
        { client, options throws(MCPError) in
            try rejectNUL("the name of the tool", name)
            let started = try document { result, error in
                withJSONText(arguments) { mcp_start_tool(client, name, $0, $1, options, result, error) }
            }
            return StartedTool(json: started)
        }
    }

    static func getTask(_ id: String) -> NativeCall<ToolTask> {
        { client, options throws(MCPError) in
            try rejectNUL("the id of the task", id)
            return ToolTask(json: try document { mcp_get_task(client, id, options, $0, $1) })
        }
    }

    static func updateTask(_ id: String, _ responses: JSON) -> NativeCall<Void> {
        { client, options throws(MCPError) in
            try rejectNUL("the id of the task", id)
            try check { error in
                withJSONText(responses) { mcp_update_task(client, id, $0, $1, options, error) }
            }
        }
    }

    static func cancelTask(_ id: String) -> NativeCall<Void> {
        { client, options throws(MCPError) in
            try rejectNUL("the id of the task", id)
            try check { mcp_cancel_task(client, id, options, $0) }
        }
    }

    static func waitTask(_ id: String) -> NativeCall<ToolResult> {
        { client, options throws(MCPError) in
            try rejectNUL("the id of the task", id)
            return ToolResult(json: try document { mcp_wait_task(client, id, options, $0, $1) })
        }
    }
}
