import Foundation
import LibMCP
import Testing

@Suite struct ResourceTests {
    @Test(arguments: ["everything", "everything-sse"]) func resourcesAreListedAndRead(_ name: String) async throws {
        let client = try RealServer(name).ready()
        let resources = try await client.listResources()
        let one = try #require(resources.first)
        #expect(!one.name.isEmpty && one.mimeType?.isEmpty == false && one.json["uri"]?.string == one.uri)
        #expect(try await client.listResourcesPage().elements.map(\.uri) == resources.map(\.uri))
        let read = try await client.readResource(one.uri)
        #expect(read.contents.first?.uri == one.uri && read.contents.first?.text?.isEmpty == false)
        #expect(read.contents.first?.blob == nil && read.json["contents"]?.count == read.contents.count)

        let templates = try await client.listResourceTemplates()
        #expect(templates.map(\.uriTemplate).contains("demo://resource/dynamic/text/{resourceId}"))
        #expect(templates.allSatisfy { !$0.name.isEmpty && $0.description?.isEmpty == false && $0.mimeType != nil })
        let page = try await client.listResourceTemplatesPage()
        #expect(page.elements.map(\.name) == templates.map(\.name))
        var walked: [String] = []
        for try await template in client.resourceTemplates() { walked.append(template.uriTemplate) }
        #expect(walked == templates.map(\.uriTemplate))

        let bytes = try await client.readResource("demo://resource/dynamic/blob/1")
        let blob = try #require(bytes.contents.first?.blob)
        #expect(String(decoding: blob, as: UTF8.self).contains("Resource 1") && bytes.contents.first?.text == nil)
        let error = try await failure(.rpcError) { try await client.readResource("demo://nowhere") }
        #expect(error.rpcCode == -32602)
        try await failure(.invalidArgument) { try await client.readResource("a\0b") }
    }

    /// A modern server with two elements per page.
    @Test func binaryResourceIsDecoded() async throws {
        let client = try RealServer("features-fastmcp4").ready()
        let read = try await client.readResource("memo://bytes")
        #expect(read.contents.first?.blob == Data(0...255))
        #expect(read.contents.first?.mimeType == "application/octet-stream")
        var uris: [String] = []
        for try await resource in client.resources() { uris.append(resource.uri) }
        #expect(uris == ["memo://text", "memo://bytes"])
        #expect(try await client.readResource("memo://squares/12").contents.first?.text == "144")
    }

    @Test func base64IsDecoded() throws {
        let json = try JSON(parsing: #"["", "AA==", "AP9h", "!", 1, "YQ"]"#)
        let bytes = json.elements.map(\.base64)
        #expect(bytes[0] == Data() && bytes[1] == Data([0]) && bytes[2] == Data([0, 0xFF, 0x61]))
        #expect(bytes[3] == nil && bytes[4] == nil)
    }

    /// The server counts the requests that it receives.
    @Test func cacheAvoidsRequests() async throws {
        let client = try RealServer("features-ts2").ready()
        try client.setHeader("X-Client", to: newTag())
        try client.setCache(true)
        for _ in 0..<3 {
            _ = try await client.listTools()
            _ = try await client.readResource("memo://text")
        }
        #expect(try await client.callTool("counts").text == "list 1 memo 1")
        try client.setCache(false)
        _ = try await client.readResource("memo://text")
        #expect(try await client.callTool("counts").text.hasSuffix("memo 2"))
    }
}
