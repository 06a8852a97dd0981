import Foundation
import LibMCP
import Testing

@Suite struct JSONTests {
    @Test func valuesHaveKinds() throws {
        let json = try JSON(parsing: #"{"n": null, "b": true, "i": 5, "s": "x", "a": [1, 2], "o": {"k": 1}}"#)
        #expect(json.kind == .object && json.count == 6)
        #expect(json["n"]?.kind == .null && json["n"]?.isNull == true)
        #expect(json["b"]?.kind == .bool && json["b"]?.bool == true)
        #expect(json["i"]?.kind == .number && json["i"]?.int == 5)
        #expect(json["s"]?.kind == .string && json["s"]?.string == "x" && json["s"]?.isNull == false)
        #expect(json["a"]?.kind == .array && json["a"]?.count == 2 && json["a"]?[1]?.int == 2)
        #expect(json["o"]?.kind == .object)
        #expect(json.pointer("/a/0")?.int == 1 && json.pointer("/o/k")?.int == 1 && json.pointer("")?.count == 6)
    }

    @Test func missingValuesAreNil() throws {
        let json = try JSON(parsing: #"{"a": [1], "n\u0000": 1}"#)
        #expect(json["b"] == nil && json["n\0"] == nil && json[0] == nil)
        #expect(json["a"]?[1] == nil && json["a"]?[-1] == nil && json["a"]?["x"] == nil)
        #expect(json.pointer("/a/1") == nil && json.pointer("a") == nil && json.pointer("/a\0") == nil)
        #expect(json["a"]?.string == nil && json["a"]?.bool == nil && json["a"]?.int == nil && json["a"]?.double == nil)
    }

    @Test func numbersAreReadExactly() throws {
        let limits = "9223372036854775807, 18446744073709551615, 1e999, -9223372036854775808"
        let json = try JSON(parsing: "[5.0, 50e-1, 5.5, -1, \(limits)]")
        let numbers = Array(json.elements)
        #expect(numbers.map(\.int) == [5, 5, nil, -1, .max, nil, nil, .min])
        #expect(numbers.map(\.uint) == [5, 5, nil, nil, 9_223_372_036_854_775_807, .max, nil, nil])
        #expect(numbers.prefix(4).map(\.double) == [5, 5, 5.5, -1] && numbers[6].double == nil)
    }

    @Test func stringsAreDecoded() throws {
        let json = try JSON(parsing: #"["", "a\"b", "\u00fc\ud83d\ude00", "a\u0000b", "\ud800x", "€"]"#)
        #expect(json.elements.map(\.string) == ["", "a\"b", "ü😀", "a\0b", "\u{FFFD}x", "€"])
        #expect(json[1]?.raw == #""a\"b""# && "\(json[5] ?? json)" == "\"€\"")
        #expect(json[5]?.data == Data("\"€\"".utf8))
    }

    /// Unpaired surrogates, for which Foundation rejects the whole document.
    @Test func unpairedSurrogatesAreReplaced() throws {
        let sent = #"{"cut \ud83d":"\ude00 low \\\ud83d","pair":"\ud83d\ud83d\ude00","plain":"\\ud83d \u0041\n"}"#
        let read = ["cut \u{FFFD}": "\u{FFFD} low \\\u{FFFD}", "pair": "\u{FFFD}😀", "plain": "\\ud83d A\n"]
        let json = try JSON(parsing: sent)
        #expect(try json.decode([String: String].self) == read)
        #expect(json.members.allSatisfy { read[$0.key] == $0.value.string })
        #expect(json.raw == sent && json.data == Data(sent.utf8))
    }

    @Test func membersAndElementsKeepOrder() throws {
        let json = try JSON(parsing: #"{"b": 1, "a": [1, [2], 3], "b": 2, "x\u0000": 3, "\ud800": 4}"#)
        #expect(json.members.map(\.key) == ["b", "a", "b", "x\u{FFFD}", "\u{FFFD}"])
        #expect(json.members.compactMap(\.value.int) == [1, 2, 3, 4])
        #expect(json["b"]?.int == 2)
        #expect(json["a"]?.elements.map(\.raw) == ["1", "[2]", "3"])
        #expect(Array(json.elements).isEmpty && Array(json["a"]?.members ?? json.members).isEmpty)
        for (key, value) in json.members.prefix(1) {
            #expect(key == "b" && value.int == 1)
        }
    }

    @Test func literalsBuildValues() throws {
        let text = "a\"b\\c\n\0\u{7F}ü😀"
        let json: JSON = [
            "s": "\(text)", "n": -1, "d": 2.5, "t": true, "z": .null, "a": [1, ["o": [:]], []], "\"": "x",
        ]
        #expect(json.raw.hasPrefix(#"{"s":"a\"b\\c\u000a\u0000"#) && json["s"]?.string == text)
        #expect(
            json["n"]?.int == -1 && json["d"]?.double == 2.5 && json["t"]?.bool == true && json["z"]?.isNull == true)
        #expect(json["a"]?.raw == #"[1,{"o":{}},[]]"# && json["\""]?.string == "x")
        let large: JSON = 1e300
        #expect(large.double == 1e300)
        struct Point: Codable, Equatable {
            var x: Int
            var y: Int?
        }
        #expect(try JSON(encoding: [Point(x: 1)]).decode([Point].self) == [Point(x: 1)])
        #expect(try JSON(encoding: "text").string == "text")
        #expect(throws: EncodingError.self) { try JSON(encoding: Double.infinity) }
    }

    @Test func valueKeepsDocumentAlive() throws {
        let inner = try JSON(parsing: #"{"a": {"b": ["kept"]}}"#).pointer("/a/b")
        #expect(inner?[0]?.string == "kept")
    }

    @Test func valuesAreDecoded() throws {
        struct Server: Decodable, Equatable {
            var name: String
            var version: String?
        }
        let json = try JSON(parsing: #"{"serverInfo": {"name": "n", "more": [1]}, "ids": [1, 2]}"#)
        #expect(try json["serverInfo"]?.decode(Server.self) == Server(name: "n"))
        let ids: [Int]? = try json["ids"]?.decode()
        #expect(ids == [1, 2])
        #expect(try json.pointer("/ids/0")?.decode(Int.self) == 1)
        #expect(throws: DecodingError.self) { try json["ids"]?.decode(Server.self) }
    }

    @Test func invalidJSONIsRejected() async throws {
        try await failure(.invalidJSON) { try JSON(parsing: "{") }
        try await failure(.invalidJSON) { try JSON(parsing: "") }
        try await failure(.invalidJSON) { try JSON(parsing: Data()) }
        try await failure(.invalidJSON) { try JSON(parsing: "1\0") }
        try await failure(.invalidArgument) { try JSON(parsing: Data([0x22, 0xff, 0x22])) }
        #expect(try JSON(parsing: Data("[1]".utf8))[0]?.int == 1)
    }

    @Test func manyThreadsReadOneValue() throws {
        let text = "{" + (0..<100).map { "\"k\($0)\": \"v\($0)\"" }.joined(separator: ",") + "}"
        let json = try JSON(parsing: text)
        DispatchQueue.concurrentPerform(iterations: 64) { number in
            #expect(json["k\(number)"]?.string == "v\(number)")
            #expect(json.members.map(\.key).count == 100)
        }
    }
}
