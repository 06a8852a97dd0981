// Pings, catches a refusal as a Swift error, and cancels from another thread a ping that is never answered.
import CMcp
import Foundation

struct McpError: Error {
  let status: mcp_status
  let http: Int32
  let message: String
}

final class Client: @unchecked Sendable {
  private let handle: OpaquePointer

  init(_ path: String, token: String) throws {
    let url = ProcessInfo.processInfo.environment["MCP_TEST_URL"]! + path
    var failure: OpaquePointer?
    guard let made = mcp_client_new(url, &failure) else { throw Client.taken(failure) }
    handle = made
    try Client.need { mcp_set_bearer(handle, token, $0) }
  }

  deinit { mcp_client_free(handle) }

  func connect() throws { try Client.need { mcp_connect(handle, nil, $0) } }
  func ping(_ options: OpaquePointer? = nil) throws { try Client.need { mcp_ping(handle, options, $0) } }

  private static func need(_ call: (UnsafeMutablePointer<OpaquePointer?>) -> mcp_status) throws {
    var failure: OpaquePointer?
    if call(&failure) != MCP_OK { throw taken(failure) }
  }

  private static func taken(_ failure: OpaquePointer?) -> McpError {
    defer { mcp_error_free(failure) }
    return McpError(
      status: mcp_status(UInt32(mcp_error_status(failure))), http: mcp_error_http_status(failure),
      message: String(cString: mcp_error_message(failure)))
  }
}

func refusal(_ call: () throws -> Void) -> McpError {
  do { try call() } catch { return error as! McpError }
  fatalError("the call should have failed")
}

try Client("/s/modern+bearer=right-token/mcp", token: "right-token").ping()

let refused = try Client("/s/modern+bearer=right-token/mcp", token: "wrong-token")
let error = refusal { try refused.ping() }
precondition(error.status == MCP_UNAUTHORIZED && error.http == 401 && !error.message.isEmpty)

let silent = try Client("/s/legacy+fault=silent+when=ping/mcp", token: "right-token")
try silent.connect()
let (cancel, options) = (mcp_cancel_new(), mcp_options_new())
precondition(mcp_options_set_cancel(options, cancel, nil) == MCP_OK)
Thread.detachNewThread { Thread.sleep(forTimeInterval: 0.2); mcp_cancel_trigger(cancel) }
precondition(refusal { try silent.ping(options) }.status == MCP_CANCELLED)
print("ok: ping, a refusal as an error (\(error.message)), cancel")
