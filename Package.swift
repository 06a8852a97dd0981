// swift-tools-version: 6.0
// The Swift package, in the root folder so that SwiftPM can depend on the URL of the repository.
import PackageDescription

let folder = "bindings/swift"

let package = Package(
    name: "libmcp",
    platforms: [.macOS(.v15)],
    products: [.library(name: "LibMCP", targets: ["LibMCP"])],
    targets: [
        // libmcp, found by pkg-config (PKG_CONFIG_PATH).
        .systemLibrary(name: "CMCP", path: "\(folder)/Sources/CMCP", pkgConfig: "mcp"),
        .target(name: "LibMCP", dependencies: ["CMCP"], path: "\(folder)/Sources/LibMCP"),
        .testTarget(name: "LibMCPTests", dependencies: ["LibMCP"], path: "\(folder)/Tests/LibMCPTests"),
    ]
)
