/// A type with the name of a type of libmcp.
public struct Client {
    public let name: String

    public init(name: String) {
        self.name = name
    }
}
