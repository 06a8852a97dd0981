// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "alive",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "MCP", path: "../../../bindings/swift")],
    targets: [.executableTarget(name: "alive", dependencies: ["MCP"])]
)
