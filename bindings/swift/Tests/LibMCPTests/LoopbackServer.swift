import Foundation
import Testing

/// A request that a `LoopbackServer` has received.
struct HTTPRequest: Sendable {
    let method: String
    let path: String
    /// The names are in lower case.
    let headers: [String: String]
    let body: String

    /// The fields of a form.
    var form: [String: String] { fields(body) }
}

/// The fields of a form or a query.
func fields(_ text: String) -> [String: String] {
    var fields: [String: String] = [:]
    for pair in text.split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let decoded = parts.map { $0.replacing("+", with: " ").removingPercentEncoding ?? "" }
        fields[decoded[0]] = decoded.count > 1 ? decoded[1] : ""
    }
    return fields
}

struct HTTPResponse: Sendable {
    var status = 200
    var headers: [String: String] = [:]
    var json = "{}"
}

/// An HTTP server on a free port of 127.0.0.1, with a thread for each connection, which serves one request. It stops
/// when the object is freed.
final class LoopbackServer: Sendable {
    typealias Handler = @Sendable (HTTPRequest) -> HTTPResponse

    let port: UInt16
    private let listener: Int32

    init(_ respond: @escaping Handler) throws {
        #if canImport(Darwin)
            let listener = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isReady = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        try #require(isReady, "cannot listen on a port of 127.0.0.1")
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                Thread.detachNewThread { serve(connection, respond) }
            }
            close(listener)
        }
    }

    deinit {
        // Ends the thread's `accept`.
        shutdown(listener, Int32(SHUT_RDWR))
    }
}

/// Responds to the request of a connection and closes it.
private func serve(_ connection: Int32, _ respond: LoopbackServer.Handler) {
    defer { close(connection) }
    guard let request = receive(connection) else { return }
    let response = respond(request)
    let headers = response.headers.map { "\($0.key): \($0.value)\r\n" }.joined()
    let text = """
        HTTP/1.1 \(response.status) Status\r
        Content-Type: application/json\r
        Content-Length: \(response.json.utf8.count)\r
        Connection: close\r
        \(headers)\r
        \(response.json)
        """
    #if canImport(Darwin)
        let flags: Int32 = 0
    #else
        let flags = Int32(MSG_NOSIGNAL)
    #endif
    _ = Array(text.utf8).withUnsafeBytes { send(connection, $0.baseAddress, $0.count, flags) }
}

/// Reads a request whose body has a `Content-Length`; nil if it is incomplete.
private func receive(_ connection: Int32) -> HTTPRequest? {
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        if let request = parse(String(decoding: received, as: UTF8.self)) { return request }
        let count = recv(connection, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        received += buffer[..<count]
    }
}

private func parse(_ text: String) -> HTTPRequest? {
    guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
        let parts = line.split(separator: ":", maxSplits: 1)
        headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
    }
    let body = String(text[end.upperBound...])
    guard body.utf8.count >= Int(headers["content-length"] ?? "0") ?? 0 else { return nil }
    let words = lines[0].split(separator: " ")
    let path = words[1].split(separator: "?", maxSplits: 1)[0]
    return HTTPRequest(method: String(words[0]), path: String(path), headers: headers, body: body)
}
