// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "basics",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "libmcp", path: "../../..")],
    targets: [.executableTarget(name: "basics", dependencies: [.product(name: "LibMCP", package: "libmcp")])]
)
