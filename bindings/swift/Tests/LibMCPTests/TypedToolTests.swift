import Foundation
import LibMCP
import Testing

@Suite struct TypedToolTests {
    private struct Weather: Decodable, Equatable {
        var temperature: Double
        var skyState: String
    }

    @Test func structuredContentIsDecoded() async throws {
        struct Place: Encodable {
            var location: String
        }
        struct Report: Decodable {
            var temperature: Double
            var conditions: String
        }
        let client = try RealServer("everything").ready()
        let tool = "get-structured-content"
        let one = try await client.callTool(tool, arguments: ["location": "Chicago"], as: Report.self)
        let two = try await client.callTool(tool, arguments: Place(location: "Chicago"), as: Report.self)
        #expect(one.temperature == two.temperature && !one.conditions.isEmpty)
    }

    /// Structured content takes precedence over the text. FastMCP wraps values that are not objects.
    @Test(arguments: [
        (#""content":[{"type":"text","text":"[1]"}],"structuredContent":{"numbers":[2]}"#, #"{"numbers":[2]}"#),
        (#""content":[{"type":"text","text":"{\"numbers\":[3]}"}]"#, #"{"numbers":[3]}"#),
        (#""content":[],"structuredContent":{"result":[4]},"_meta":{"fastmcp":{"wrap_result":true}}"#, "[4]"),
        (#""content":[],"structuredContent":{"result":[5]}"#, #"{"result":[5]}"#),
        (#""content":[],"structuredContent":[6]"#, "[6]"),
    ])
    func contentIsFound(_ result: String, _ expected: String) async throws {
        struct Anything: Decodable {
            let numbers: [Int]
            let isObject: Bool
            let key: String

            init(from decoder: any Decoder) throws {
                if let members = try? decoder.singleValueContainer().decode([String: [Int]].self) {
                    (key, numbers) = members.first ?? ("", [])
                    isObject = true
                } else {
                    numbers = try decoder.singleValueContainer().decode([Int].self)
                    (key, isObject) = ("", false)
                }
            }
        }
        let client = try Self.server(result).client()
        let value = try await client.callTool("any", as: Anything.self)
        #expect(expected == (value.isObject ? #"{"\#(value.key)":\#(value.numbers)}"# : "\(value.numbers)"))
    }

    @Test func decoderIsUsed() async throws {
        let content = #"{"temperature":21,"sky_state":"clear"}"#
        let client = try Self.server(#""content":[],"structuredContent":\#(content)"#).client()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let weather = try await client.callTool("any", as: Weather.self, using: decoder)
        #expect(weather == Weather(temperature: 21, skyState: "clear"))
        let result = try await client.callTool("any")
        #expect(try result.decode(Weather.self, using: decoder) == weather)
        let inferred: [String: JSONValue] = try result.decode()
        #expect(inferred.count == 2)
    }

    @Test func otherContentIsAnError() async throws {
        let text = try Self.server(#""content":[{"type":"text","text":"sunny"}]"#).client()
        try await failure(.invalidJSON) { try await text.callTool("any", as: Weather.self) }
        let other = try Self.server(#""content":[],"structuredContent":{"temperature":"warm"}"#).client()
        await #expect(throws: DecodingError.self) { try await other.callTool("any", as: Weather.self) }
        let failed = try Self.server(#""content":[{"type":"text","text":"[1]"}],"isError":true"#).client()
        await #expect(throws: ToolError.self) { try await failed.callTool("any", as: [Int].self) }
    }

    @Test func blockingFormsDecode() async throws {
        let client = try Self.server(#""content":[],"structuredContent":{"numbers":[1,2]}"#).client()
        try await onThread {
            let calls = client.blocking
            let one = try calls.callTool("any", as: [String: [Int]].self)
            let two = try calls.callTool("any", arguments: ["name": String(1)], as: [String: [Int]].self)
            #expect(one == ["numbers": [1, 2]] && two == one)
        }
    }

    /// Any JSON value.
    private struct JSONValue: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    /// A server whose tools have this result: the members of an object.
    private static func server(_ result: String) throws -> StdioServer {
        try StdioServer("2025-11-25", [(method("tools/call"), "respond '{\(result)}'")])
    }
}
