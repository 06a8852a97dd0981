// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "alive",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "libmcp", path: "../../..")],
    targets: [.executableTarget(name: "alive", dependencies: [.product(name: "LibMCP", package: "libmcp")])]
)
