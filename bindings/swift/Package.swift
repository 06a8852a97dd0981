// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "MCP",
    platforms: [.macOS(.v15)],
    products: [.library(name: "MCP", targets: ["MCP"])],
    targets: [
        // libmcp, found by pkg-config (PKG_CONFIG_PATH).
        .systemLibrary(name: "CMCP", pkgConfig: "mcp"),
        .target(name: "MCP", dependencies: ["CMCP"]),
        .testTarget(name: "MCPTests", dependencies: ["MCP"]),
    ]
)
