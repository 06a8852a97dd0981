// swift-tools-version:5.9
import PackageDescription

let package = Package(
  name: "smoke",
  targets: [
    .systemLibrary(name: "CMcp"),
    .executableTarget(name: "smoke", dependencies: ["CMcp"]),
  ]
)
