# Small programs in other languages on the C ABI, against the scripted server.
#
# Needs mcp::mcp, MCP_TEST_SERVER, Python3_EXECUTABLE and mcp_test_environment.

set(smoke ${CMAKE_CURRENT_SOURCE_DIR}/smoke)
set(smoke_include "$<TARGET_PROPERTY:mcp::mcp,INTERFACE_INCLUDE_DIRECTORIES>")
set(smoke_library "$<TARGET_FILE_DIR:mcp::mcp>")
set(smoke_go ${CMAKE_CURRENT_BINARY_DIR}/smoke-go)

add_test(NAME smoke.go.build COMMAND go build -o ${smoke_go} . WORKING_DIRECTORY ${smoke}/go)
set_tests_properties(
  smoke.go.build
  PROPERTIES
    FIXTURES_SETUP smoke.go
    LABELS "smoke;go"
    TIMEOUT 300
    ENVIRONMENT
    "GOTOOLCHAIN=local;GOWORK=off;CGO_ENABLED=1;CGO_CFLAGS=-I${smoke_include};CGO_LDFLAGS=-L${smoke_library} -Wl,-rpath,${smoke_library}"
)
add_test(NAME smoke.go COMMAND ${MCP_TEST_SERVER} --run ${smoke_go})
set_tests_properties(
  smoke.go PROPERTIES FIXTURES_REQUIRED smoke.go LABELS "smoke;go" TIMEOUT 120
                      ENVIRONMENT "${mcp_test_environment}")

# The first run makes a chroot with a Swift toolchain where the machine has none: one to two minutes.
add_test(NAME smoke.swift.toolchain COMMAND ${Python3_EXECUTABLE} ${smoke}/swift/chroot.py)
set_tests_properties(
  smoke.swift.toolchain
  PROPERTIES FIXTURES_SETUP smoke.swift LABELS "smoke;swift" TIMEOUT 1200 RESOURCE_LOCK swift)
add_test(
  NAME smoke.swift
  COMMAND ${Python3_EXECUTABLE} ${smoke}/swift/run.py --library $<TARGET_FILE:mcp::mcp> --include ${smoke_include}
          --server ${MCP_TEST_SERVER} --build ${CMAKE_CURRENT_BINARY_DIR}/smoke-swift)
set_tests_properties(
  smoke.swift PROPERTIES FIXTURES_REQUIRED smoke.swift LABELS "smoke;swift" TIMEOUT 300 RESOURCE_LOCK swift
                         ENVIRONMENT "${mcp_test_environment}")
