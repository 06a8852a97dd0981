// swift-tools-version: 6.0
import PackageDescription

let url = Context.environment["LIBMCP_URL"] ?? "https://github.com/libmcp/libmcp"
let version = Version(Context.environment["LIBMCP_VERSION"] ?? "0.1.0")!

let package = Package(
    name: "by_url",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: url, from: version)],
    targets: [
        // A module with the name of the module of the official SDK for Swift: a program can use both.
        .target(name: "MCP"),
        .executableTarget(name: "both", dependencies: ["MCP", .product(name: "LibMCP", package: "libmcp")]),
    ]
)
