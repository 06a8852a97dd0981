// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "growth",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "MCP", path: "../../../bindings/swift")],
    targets: [.executableTarget(name: "growth", dependencies: ["MCP"])]
)
