import CMCP

/// One page of a list.
public struct Page<Element: Sendable>: Sendable {
    /// The elements of the page.
    public let elements: [Element]
    /// The cursor of the next page; nil on the last page. An empty string is a valid cursor.
    public let nextCursor: String?
    /// The page as the server sent it.
    public let json: JSON
}

/// A list of the server, as a sequence that fetches one page at a time during iteration.
///
///     for try await tool in client.tools() where tool.name.hasPrefix("search") {
///         return tool
///     }
///
/// Nothing is fetched before the first element is requested, and no further page after the loop ends. Each iteration
/// starts with the first page. The number of pages is not limited; the methods that return the whole list, such as
/// ``Client/listTools(timeout:idleTimeout:options:)``, have a limit. A page whose cursor was used before is the last
/// one, because some servers send the same cursor with every page.
public struct Listing<Element: Sendable>: AsyncSequence, Sendable {
    let fetchPage: @Sendable (_ cursor: String?) async throws -> Page<Element>

    /// Returns an iterator that starts with the first page.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(fetchPage: fetchPage)
    }

    /// Iterates over a list.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let fetchPage: @Sendable (_ cursor: String?) async throws -> Page<Element>
        private var fetched: ArraySlice<Element> = []
        private var cursor: String?
        private var isLast = false
        /// The cursors used so far, compared byte by byte; at most `maxUsedCursors`, because a list can have more
        /// pages.
        private var usedCursors: Set<[UInt8]> = []
        private static var maxUsedCursors: Int { 10_000 }

        init(fetchPage: @escaping @Sendable (_ cursor: String?) async throws -> Page<Element>) {
            self.fetchPage = fetchPage
        }

        /// Returns the next element, and fetches the next page if necessary; nil after the last element, and after an
        /// error.
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

/// A C function that lists all elements.
typealias ListFunction = (OpaquePointer?, OpaquePointer?, DocumentOut?, ErrorOut?) -> mcp_status
/// A C function that lists the page of a cursor.
typealias PageFunction =
    (OpaquePointer?, UnsafePointer<CChar>?, OpaquePointer?, DocumentOut?, ErrorOut?) -> mcp_status

/// An element of a list that servers provide.
protocol ListElement: Sendable {
    /// The member of a page that holds the array of elements.
    static var key: String { get }
    static var list: ListFunction { get }
    static var listPage: PageFunction { get }

    init(json: JSON)
}

extension Calls {
    static func list<Element: ListElement>() -> NativeCall<[Element]> {
        NativeCall(elements) { client, options, result, error in
            Element.list(client, options, result, error)
        }
    }

    static func listPage<Element: ListElement>(_ cursor: String?) -> NativeCall<Page<Element>> {
        NativeCall(page) { client, options, result, error throws(MCPError) in
            try rejectNUL("the cursor", cursor)
            return Element.listPage(client, cursor, options, result, error)
        }
    }

    @Sendable private static func elements<Element: ListElement>(of page: JSON) -> [Element] {
        page[Element.key]?.elements.map { Element(json: $0) } ?? []
    }

    @Sendable private static func page<Element: ListElement>(of page: JSON) -> Page<Element> {
        Page(elements: elements(of: page), nextCursor: page["nextCursor"]?.string, json: page)
    }
}
