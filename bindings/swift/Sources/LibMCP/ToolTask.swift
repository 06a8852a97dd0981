import CMCP

/// A tool call that runs on the server without an open call.
public struct ToolTask: Sendable {
    /// The complete task as the server sent it. On modern servers, a task that has ended has its "result" or "error"
    /// here.
    public let json: JSON

    /// The id of the task. Store it to query the task later, also from another process.
    public var id: String { json["taskId"]?.string ?? "" }
    /// The status of the task.
    public var status: Status? { json["status"]?.string.map { Status(rawValue: $0) } }
    /// The server's description of the status.
    public var statusMessage: String? { json["statusMessage"]?.string }
    /// The inputs that a task of a modern server requests: an object with a request under each key.
    public var inputRequests: JSON? { json["inputRequests"] }
    /// How long the server keeps the task.
    public var ttl: Duration? { duration("ttlMs") ?? duration("ttl") }
    /// The time to wait between two polls, as the server suggests.
    public var pollInterval: Duration? { duration("pollIntervalMs") ?? duration("pollInterval") }

    private func duration(_ name: String) -> Duration? {
        json[name]?.double.map { .milliseconds($0) }
    }
}

extension ToolTask {
    /// The status of a task, as defined by the specification.
    public struct Status: RawRepresentable, Hashable, Sendable {
        /// The name of the status in the specification.
        public let rawValue: String

        /// Creates a status from its name in the specification.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The task is running.
        public static let working = Status(rawValue: "working")
        /// The task waits for input.
        public static let inputRequired = Status(rawValue: "input_required")
        /// The task has ended with a result.
        public static let completed = Status(rawValue: "completed")
        /// The task has ended with an error.
        public static let failed = Status(rawValue: "failed")
        /// The task was cancelled.
        public static let cancelled = Status(rawValue: "cancelled")
    }
}

/// The server's response when a tool was started.
public enum StartedTool: Sendable {
    /// The tool runs as a task.
    case task(ToolTask)
    /// The tool has already ended.
    case result(ToolResult)

    init(json: JSON) {
        let isTask = json.use { mcp_tool_result_task_id($0) != nil }
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
    static func callToolAsTask(_ name: String, _ arguments: JSON?) -> NativeCall<StartedTool> {
        NativeCall(StartedTool.init) { client, options, result, error throws(MCPError) in
            try rejectNUL("the name of the tool", name)
            return withJSONText(arguments) { mcp_call_tool_as_task(client, name, $0, $1, options, result, error) }
        }
    }

    static func getTask(_ id: String) -> NativeCall<ToolTask> {
        NativeCall(ToolTask.init) { client, options, result, error throws(MCPError) in
            try rejectNUL("the id of the task", id)
            return mcp_get_task(client, id, options, result, error)
        }
    }

    static func updateTask(_ id: String, _ responses: JSON) -> NativeCall<Void> {
        NativeCall { client, options, _, error throws(MCPError) in
            try rejectNUL("the id of the task", id)
            return withJSONText(responses) { mcp_update_task(client, id, $0, $1, options, error) }
        }
    }

    static func cancelTask(_ id: String) -> NativeCall<Void> {
        NativeCall { client, options, _, error throws(MCPError) in
            try rejectNUL("the id of the task", id)
            return mcp_cancel_task(client, id, options, error)
        }
    }

    static func waitTask(_ id: String) -> NativeCall<ToolResult> {
        NativeCall(ToolResult.init) { client, options, result, error throws(MCPError) in
            try rejectNUL("the id of the task", id)
            return mcp_wait_task(client, id, options, result, error)
        }
    }
}
