import CMCP

/// One page of a list.
public struct Page<Element: Sendable>: Sendable {
    /// What is on the page.
    public let elements: [Element]
    /// Leads to the next page; nil on the last one. An empty text is a cursor, too.
    public let nextCursor: String?
    /// The page as it came.
    public let json: JSON
}

/// A list of the server's, as a sequence that fetches page after page while somebody goes through it.
///
///     for try await tool in client.tools() where tool.name.hasPrefix("search") {
///         return tool
///     }
///
/// Nothing is fetched before the first element is wanted, and no page more when the loop ends early. Each iteration
/// starts at the first page. It goes on for as long as the server's pages do; a function that lists all at once, such as
/// ``Client/listTools(timeout:idleTimeout:options:)``, has a bound. A page that leads to one that was fetched before is
/// the last: some servers name the same cursor on every page.
public struct Listing<Element: Sendable>: AsyncSequence, Sendable {
    let fetchPage: @Sendable (_ cursor: String?) async throws -> Page<Element>

    /// Starts at the first page.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(fetchPage: fetchPage)
    }

    /// Goes through a list.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let fetchPage: @Sendable (_ cursor: String?) async throws -> Page<Element>
        private var fetched: ArraySlice<Element> = []
        private var cursor: String?
        private var isLast = false
        /// The cursors that were used, byte by byte; an iteration can go on for longer than it remembers them.
        private var usedCursors: Set<[UInt8]> = []
        private static var maxUsedCursors: Int { 10_000 }

        init(fetchPage: @escaping @Sendable (_ cursor: String?) async throws -> Page<Element>) {
            self.fetchPage = fetchPage
        }

        /// The next element, from the next page where this one is at its end; nil behind the last one. After an error
        /// there is nothing more.
        public mutating func next() async throws -> Element? {
            while fetched.isEmpty && !isLast {
                isLast = true
                let page = try await fetchPage(cursor)
                fetched = page.elements[...]
                cursor = page.nextCursor
                isLast = !isNew(cursor)
            }
            return fetched.popFirst()
        }

        private mutating func isNew(_ cursor: String?) -> Bool {
            guard let cursor, !usedCursors.contains(Array(cursor.utf8)) else { return false }
            if usedCursors.count < Self.maxUsedCursors {
                usedCursors.insert(Array(cursor.utf8))
            }
            return true
        }
    }
}

/// A function of the C API that gives a document.
typealias ListFunction = (OpaquePointer?, OpaquePointer?, DocumentOut?, ErrorOut?) -> mcp_status
/// The same for one page.
typealias PageFunction =
    (OpaquePointer?, UnsafePointer<CChar>?, OpaquePointer?, DocumentOut?, ErrorOut?) -> mcp_status

/// What servers have lists of.
protocol ListElement: Sendable {
    /// The name of the array in a page.
    static var key: String { get }
    static var list: ListFunction { get }
    static var listPage: PageFunction { get }

    init(json: JSON)
}

extension Calls {
    static func list<Element: ListElement>() -> NativeCall<[Element]> {
        { client, options throws(MCPError) in
            let all = try document { Element.list(client, options, $0, $1) }
            return elements(of: all)
        }
    }

    static func listPage<Element: ListElement>(_ cursor: String?) -> NativeCall<Page<Element>> {
        { client, options throws(MCPError) in
            try rejectNUL("the cursor", cursor)
            let page = try document { Element.listPage(client, cursor, options, $0, $1) }
            return Page(elements: elements(of: page), nextCursor: page["nextCursor"]?.string, json: page)
        }
    }

    private static func elements<Element: ListElement>(of page: JSON) -> [Element] {
        page[Element.key]?.elements.map { Element(json: $0) } ?? []
    }
}
