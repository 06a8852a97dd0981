// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "servers",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "libmcp", path: "../../..")],
    targets: [.executableTarget(name: "servers", dependencies: [.product(name: "LibMCP", package: "libmcp")])]
)
