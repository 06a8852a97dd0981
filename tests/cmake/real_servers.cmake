# Real MCP servers: their installation, fixtures that start and stop them, the server matrix, and the recorded sessions.
#
# Needs mcp::mcp, MCP_RECORDER, Python3_EXECUTABLE and mcp_test_environment. Servers are installed in <repo>/.cache, or
# in $LIBMCP_CACHE.

set(real_servers ${CMAKE_CURRENT_SOURCE_DIR}/servers)
set(real_matrix ${CMAKE_CURRENT_SOURCE_DIR}/matrix)
set(real_state ${CMAKE_CURRENT_BINARY_DIR}/real)
file(MAKE_DIRECTORY ${real_state})

foreach(program cell recorded)
  add_executable(mcp_${program} ${real_matrix}/${program}.c)
  set_target_properties(mcp_${program} PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
  target_compile_options(mcp_${program} PRIVATE -Wall -Wextra -pedantic)
  target_link_libraries(mcp_${program} PRIVATE mcp::mcp)
endforeach()

# real_install(NAME): the target prepare-NAME installs NAME; the fixture install.NAME checks that it is installed.
function(real_install name)
  set(command ${Python3_EXECUTABLE} ${real_servers}/install.py ${name})
  mcp_prepare(${name} "prepare;prepare-deep" ${command})
  add_test(NAME install.${name} COMMAND ${command})
  set_tests_properties(install.${name} PROPERTIES FIXTURES_SETUP install.${name} LABELS real TIMEOUT 60
                                                  ENVIRONMENT "${mcp_test_environment}")
endfunction()

foreach(name fastmcp4 fastmcp3 fastmcp2 sdk2 everything ts1 fastify java go oidc zitadel)
  real_install(${name})
endforeach()

# real_server(NAME INSTALL): the fixture server.NAME, which writes the state file NAME.json in ${real_state}.
function(real_server name install)
  foreach(action start stop)
    add_test(
      NAME server.${name}.${action}
      COMMAND ${Python3_EXECUTABLE} ${real_servers}/fixture.py ${action} ${name} --state ${real_state})
  endforeach()
  set_tests_properties(
    server.${name}.start PROPERTIES FIXTURES_SETUP server.${name} FIXTURES_REQUIRED install.${install} LABELS real
                                    TIMEOUT 240 ENVIRONMENT "${mcp_test_environment}")
  set_tests_properties(server.${name}.stop PROPERTIES FIXTURES_CLEANUP server.${name} LABELS real TIMEOUT 120)
endfunction()

# real_test(NAME SERVER LABELS COMMAND...): a test with the fixture server.SERVER.
function(real_test name server labels)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(
    ${name} PROPERTIES FIXTURES_REQUIRED server.${server} LABELS "${labels}" TIMEOUT 240
                       ENVIRONMENT "${mcp_test_environment}")
endfunction()

# matrix.SERVER runs all cells of a server; see matrix/matrix.py, and matrix/table.py for the cells.
#
# matrix.py limits the time for each cell and for each server; the TIMEOUT here is above these limits.
set(matrix_servers
    fastmcp4-static fastmcp4-jwt fastmcp4-stateless fastmcp4-apikey fastmcp4-sse fastmcp4-sse-jwt
    fastmcp3-static fastmcp3-jwt fastmcp3-sse
    fastmcp2-static fastmcp2-jwt fastmcp2-sse
    sdk2 sdk2-sse
    everything everything-sse)
foreach(name ${matrix_servers})
  string(REGEX REPLACE "-.*" "" install ${name})
  real_server(${name} ${install})
  real_test(matrix.${name} ${name} "matrix;real"
            ${Python3_EXECUTABLE} ${real_matrix}/matrix.py ${name} --program $<TARGET_FILE:mcp_cell>
            --state ${real_state})
  set_tests_properties(matrix.${name} PROPERTIES TIMEOUT 600 ENVIRONMENT
                                                 "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endforeach()
add_test(NAME matrix.table COMMAND ${Python3_EXECUTABLE} ${real_matrix}/table_check.py ${matrix_servers})
set_tests_properties(matrix.table PROPERTIES LABELS "matrix;fast" TIMEOUT 30 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")

# recorded_test(SERVER SCENARIO VERSION): the test recorded.SERVER.SCENARIO; see matrix/recorded.py.
function(recorded_test server scenario version)
  real_test(recorded.${server}.${scenario} ${server} "real;recorded"
            ${Python3_EXECUTABLE} ${real_matrix}/recorded.py --recorder ${MCP_RECORDER} --program
            $<TARGET_FILE:mcp_recorded> --state ${real_state}/${server}.json --out
            ${real_state}/${server}.${scenario}.jsonl --scenario ${scenario} --version ${version})
endfunction()

recorded_test(fastmcp4-static modern 2026-07-28)
recorded_test(fastmcp4-static pinned 2025-11-25)
recorded_test(sdk2 modern 2026-07-28)
recorded_test(sdk2 pinned 2025-11-25)
recorded_test(fastmcp3-static legacy 2025-11-25)
recorded_test(fastmcp2-static legacy 2025-11-25)
recorded_test(everything legacy 2025-11-25)
recorded_test(fastmcp4-sse sse 2025-11-25)
recorded_test(fastmcp4-sse sse-pinned 2024-11-05)
recorded_test(fastmcp4-sse sse-fall-back 2025-11-25)
