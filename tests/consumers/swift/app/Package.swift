// swift-tools-version: 6.0
import PackageDescription

// The install prefix of libmcp.
let prefix = Context.environment["LIBMCP_PREFIX"] ?? "/usr/local"

let package = Package(
    name: "app",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "libmcp", path: "\(prefix)/share/libmcp/swift")],
    targets: [.executableTarget(name: "app", dependencies: [.product(name: "LibMCP", package: "libmcp")])]
)
