# The Go binding: its tests, linters, and a consumer program.
#
# Needs mcp::mcp, MCP_HEADER_DIR, MCP_LIBRARY_DIR, MCP_TEST_SERVER, Python3_EXECUTABLE, mcp_test_environment, and
# real_servers.cmake.

set(go_module ${PROJECT_SOURCE_DIR}/bindings/go)
set(go_build ${CMAKE_CURRENT_BINARY_DIR}/go)
set(go_servers fastmcp4-static fastmcp4-apikey fastmcp4-sse fastmcp3-static everything everything-sse)

# pkg-config files for the libmcp of the build directory.
set(mcp_pc_prefix ${PROJECT_BINARY_DIR})
set(mcp_pc_LIBDIR ${MCP_LIBRARY_DIR})
set(mcp_pc_INCLUDEDIR ${MCP_HEADER_DIR})
list(TRANSFORM mcp_system_libraries PREPEND "-l" OUTPUT_VARIABLE mcp_pc_private)
list(JOIN mcp_pc_private " " mcp_pc_private)
foreach(name mcp mcp-static)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${go_build}/${name}.pc @ONLY)
endforeach()
set(go_environment
    "PKG_CONFIG_PATH=${go_build}"
    "LD_LIBRARY_PATH=${MCP_LIBRARY_DIR}"
    "MCP_TEST_STATE=${real_state}"
    "CGO_ENABLED=1"
    "GOTOOLCHAIN=local"
    "GOWORK=off"
    "PYTHONDONTWRITEBYTECODE=1"
    ${mcp_test_environment})

# go_prepare(NAME TARGET ARGUMENTS...): a go command in the module's folder that fills Go's build cache.
function(go_prepare name target)
  mcp_prepare(go-${name} ${target} ${go_environment} ${ARGN})
  add_dependencies(prepare-go-${name} mcp-library)
endfunction()

go_prepare(race prepare go test -C ${go_module} -race -run "^$" ./...)
go_prepare(static prepare go test -C ${go_module} -tags static -run "^$" ./...)
go_prepare(example prepare go build -C ${PROJECT_SOURCE_DIR}/examples/go -o ${go_build}/ ./...)
go_prepare(plain prepare-deep go test -C ${go_module} -run "^$" ./...)
go_prepare(cgocheck prepare-deep GOEXPERIMENT=cgocheck2 go test -C ${go_module} -run "^$" ./...)
mcp_prepare(staticcheck prepare ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/go/staticcheck.py --prepare)

# go_test(NAME COMMAND...): the test go.NAME, which runs the command in the module's folder.
function(go_test name)
  add_test(NAME go.${name} COMMAND ${ARGN} WORKING_DIRECTORY ${go_module})
  set_tests_properties(go.${name} PROPERTIES LABELS go TIMEOUT 600 ENVIRONMENT "${go_environment}")
endfunction()

# go_server_test(NAME COMMAND...): the test go.NAME, with the scripted server and the real ones.
function(go_server_test name)
  go_test(${name} ${MCP_TEST_SERVER} --run ${ARGN})
  list(TRANSFORM go_servers PREPEND server. OUTPUT_VARIABLE fixtures)
  set_tests_properties(go.${name} PROPERTIES FIXTURES_REQUIRED "${fixtures}" LABELS "go;real")
endfunction()

go_server_test(test go test -short -count=1 -v ./...)
go_server_test(race go test -short -count=1 -race ./...)
go_server_test(static go test -short -count=1 -tags static ./...)
# cgocheck2 compiles in the strict check of pointers that are passed to C.
go_server_test(cgocheck ${CMAKE_COMMAND} -E env GOEXPERIMENT=cgocheck2 GODEBUG=cgocheck=1 go test -short -count=1 ./...)
go_test(growth ${MCP_TEST_SERVER} --run go test -run Growth -count=1 -v ./...)
go_test(vet go vet ./...)
go_test(staticcheck ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/go/staticcheck.py)
go_test(license ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/go/license.py ${PROJECT_SOURCE_DIR})
# Without cgo, the first error must name the reason.
go_test(no_cgo ${CMAKE_COMMAND} -E env CGO_ENABLED=0 go build .)
set_tests_properties(go.no_cgo PROPERTIES PASS_REGULAR_EXPRESSION "undefined: libmcp_needs_cgo_so_set_CGO_ENABLED_1")
go_test(gofmt ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/go/gofmt.py ${go_module}
        ${PROJECT_SOURCE_DIR}/examples/go ${CMAKE_CURRENT_SOURCE_DIR}/consumers/go
        ${CMAKE_CURRENT_SOURCE_DIR}/servers/go ${CMAKE_CURRENT_SOURCE_DIR}/servers/zitadel)
set_tests_properties(go.vet go.staticcheck go.gofmt PROPERTIES LABELS "go;style")
set_tests_properties(go.test go.cgocheck PROPERTIES LABELS "go;real;deep")
set_tests_properties(go.growth PROPERTIES LABELS "go;deep" COST 60)

# The Go programs in the README. They are in Go's build cache already, unless a source has changed since.
go_test(example.build go build -C ${PROJECT_SOURCE_DIR}/examples/go -o ${go_build}/ ./...)
go_test(example ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/examples/alive.py ${real_state}/fastmcp4-static.json
        ${go_build}/example)
set_tests_properties(go.example.build PROPERTIES FIXTURES_SETUP go.example)
go_test(example.servers ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/examples/servers.py ${go_build}/servers
        ${real_state}/everything.json)
set_tests_properties(go.example PROPERTIES FIXTURES_REQUIRED "go.example;server.fastmcp4-static")
set_tests_properties(go.example.servers PROPERTIES FIXTURES_REQUIRED "go.example;server.everything" LABELS "go;real")

if(MCP_INSTALL)
  consumer(go)
  set_tests_properties(consumer.go PROPERTIES FIXTURES_REQUIRED consumer.prefix LABELS "consumer;go" TIMEOUT 300)
endif()
