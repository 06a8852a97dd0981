# Real MCP servers: their installation, their life as fixtures, the matrix of cells, and the recorded lives.
#
# Needs mcp::mcp, MCP_RECORDER, Python3_EXECUTABLE and mcp_test_environment. Installs go to <repo>/.cache, or to
# $LIBMCP_CACHE.

set(real_servers ${CMAKE_CURRENT_SOURCE_DIR}/servers)
set(real_matrix ${CMAKE_CURRENT_SOURCE_DIR}/matrix)
set(real_state ${CMAKE_CURRENT_BINARY_DIR}/real)
file(MAKE_DIRECTORY ${real_state})

set(legacy_versions 2024-11-05 2025-03-26 2025-06-18 2025-11-25)

foreach(program cell recorded)
  add_executable(mcp_${program} ${real_matrix}/${program}.c)
  set_target_properties(mcp_${program} PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
  target_compile_options(mcp_${program} PRIVATE -Wall -Wextra -pedantic)
  target_link_libraries(mcp_${program} PRIVATE mcp::mcp)
endforeach()

# real_install(NAME): prepares the installation NAME; the fixture install.NAME looks whether it is there.
function(real_install name)
  set(command ${Python3_EXECUTABLE} ${real_servers}/install.py ${name})
  mcp_prepare(${name} "prepare;prepare-deep" ${command})
  add_test(NAME install.${name} COMMAND ${command})
  set_tests_properties(install.${name} PROPERTIES FIXTURES_SETUP install.${name} LABELS real TIMEOUT 60
                                                  ENVIRONMENT "${mcp_test_environment}")
endfunction()

foreach(name fastmcp4 fastmcp3 fastmcp2 sdk2 everything)
  real_install(${name})
endforeach()

# real_server(NAME INSTALL): the fixture server.NAME, and its state file in ${real_state}.
function(real_server name install)
  foreach(action start stop)
    add_test(
      NAME server.${name}.${action}
      COMMAND ${Python3_EXECUTABLE} ${real_servers}/fixture.py ${action} ${name} --state ${real_state})
  endforeach()
  set_tests_properties(
    server.${name}.start PROPERTIES FIXTURES_SETUP server.${name} FIXTURES_REQUIRED install.${install} LABELS real
                                    TIMEOUT 90 ENVIRONMENT "${mcp_test_environment}")
  set_tests_properties(server.${name}.stop PROPERTIES FIXTURES_CLEANUP server.${name} LABELS real TIMEOUT 30)
endfunction()

# real_test(NAME SERVER LABELS COMMAND...)
function(real_test name server labels)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(
    ${name} PROPERTIES FIXTURES_REQUIRED server.${server} LABELS "${labels}" TIMEOUT 90
                       ENVIRONMENT "${mcp_test_environment}")
endfunction()

# matrix_cell(SERVER FORM TOKEN PIN EXPECT [CHALLENGE]): see cell.c.
function(matrix_cell server form token pin expect)
  set(shown ${form})
  if(form STREQUAL "x-api-key")
    set(shown header)
  endif()
  real_test(matrix.${server}.${shown}.${token}.${pin} ${server} "matrix;real"
            mcp_cell ${real_state}/${server}.json url ${form} ${token} ${pin} ${expect} ${ARGN})
endfunction()

# hidden_cells(SERVER TOKEN PIN EXPECT [CHALLENGE]): an HTTP+SSE server at a path that does not tell, by both ways.
function(hidden_cells server token pin expect)
  foreach(way set-transport fall-back)
    real_test(matrix.${server}.bearer.${token}.${pin}.${way} ${server} "matrix;real"
              mcp_cell ${real_state}/${server}.json ${way} bearer ${token} ${pin} ${expect} ${ARGN})
  endforeach()
endfunction()

# What each server says, seen with curl. Its answers do not depend on the version, on the way a token is given or, with
# HTTP+SSE, on whether it came with the GET or with a POST to the endpoint.
set(fastmcp_invalid
    "Bearer error=\"invalid_token\", error_description=\"Authentication failed. The provided bearer token is invalid, \
expired, or no longer recognized by the server. To resolve: clear authentication tokens in your MCP client and \
reconnect. Your client should automatically re-register and obtain new tokens.\"")
set(fastmcp4_invalid "${fastmcp_invalid}, scope=\"read\"")
set(sdk_metadata "resource_metadata=\"https://libmcp.test/.well-known/oauth-protected-resource/mcp\"")
set(sdk_invalid "Bearer error=\"invalid_token\", error_description=\"Authentication required\", ${sdk_metadata}")
set(sdk_scope "Bearer error=\"insufficient_scope\", error_description=\"Required scope: read\", ${sdk_metadata}")

# bearer_matrix(SERVER NEGOTIATED PINNED NO BAD SCOPE_STATUS SCOPE): all cells of a server that wants a bearer token.
#
# NEGOTIATED is ERA@VERSION, PINNED a version or a list of them; NO, BAD and SCOPE are the challenges for no token, for
# one that is wrong or expired, and for one without the scope, which comes with SCOPE_STATUS.
function(bearer_matrix server negotiated pinned no bad scope_status scope)
  foreach(form bearer header)
    foreach(pin negotiated ${pinned})
      set(answer legacy@${pin})
      if(pin STREQUAL "negotiated")
        set(answer ${negotiated})
      endif()
      matrix_cell(${server} ${form} right ${pin} ${answer})
      matrix_cell(${server} ${form} no ${pin} 401 "${no}")
      matrix_cell(${server} ${form} wrong ${pin} 401 "${bad}")
      matrix_cell(${server} ${form} expired ${pin} 401 "${bad}")
      matrix_cell(${server} ${form} missing-scope ${pin} ${scope_status} "${scope}")
    endforeach()
  endforeach()
endfunction()

# sse_matrix(SERVER NO BAD SCOPE_STATUS SCOPE): the same for HTTP+SSE, over which they all speak every legacy version.
# At the other path they answer a POST with 405; the fault of the token is then what the GET says.
function(sse_matrix server no bad scope_status scope)
  bearer_matrix(${server} legacy@2025-11-25 "${legacy_versions}" "${no}" "${bad}" ${scope_status} "${scope}")
  hidden_cells(${server} right negotiated legacy@2025-11-25)
  foreach(pin ${legacy_versions})
    hidden_cells(${server} right ${pin} legacy@${pin})
  endforeach()
  hidden_cells(${server} no negotiated 401 "${no}")
  hidden_cells(${server} wrong negotiated 401 "${bad}")
  hidden_cells(${server} expired negotiated 401 "${bad}")
  hidden_cells(${server} missing-scope negotiated ${scope_status} "${scope}")
endfunction()

# FastMCP takes a token without the scope for an invalid one.
foreach(name fastmcp4-static fastmcp4-jwt fastmcp4-stateless)
  real_server(${name} fastmcp4)
  bearer_matrix(${name} modern@2026-07-28 2025-11-25 "Bearer scope=\"read\"" "${fastmcp4_invalid}" 401
                "${fastmcp4_invalid}")
endforeach()
foreach(name fastmcp4-sse fastmcp4-sse-jwt)
  real_server(${name} fastmcp4)
  sse_matrix(${name} "Bearer scope=\"read\"" "${fastmcp4_invalid}" 401 "${fastmcp4_invalid}")
endforeach()
foreach(name fastmcp3-static fastmcp3-jwt)
  real_server(${name} fastmcp3)
  bearer_matrix(${name} legacy@2025-11-25 2025-06-18 "Bearer" "${fastmcp_invalid}" 401 "${fastmcp_invalid}")
endforeach()
real_server(fastmcp3-sse fastmcp3)
sse_matrix(fastmcp3-sse "Bearer" "${fastmcp_invalid}" 401 "${fastmcp_invalid}")
foreach(name fastmcp2-static fastmcp2-jwt)
  real_server(${name} fastmcp2)
  bearer_matrix(${name} legacy@2025-11-25 2025-06-18 "${fastmcp_invalid}" "${fastmcp_invalid}" 401
                "${fastmcp_invalid}")
endforeach()
real_server(fastmcp2-sse fastmcp2)
sse_matrix(fastmcp2-sse "${fastmcp_invalid}" "${fastmcp_invalid}" 401 "${fastmcp_invalid}")
real_server(sdk2 sdk2)
bearer_matrix(sdk2 modern@2026-07-28 2025-11-25 "${sdk_invalid}" "${sdk_invalid}" 403 "${sdk_scope}")
real_server(sdk2-sse sdk2)
sse_matrix(sdk2-sse "${sdk_invalid}" "${sdk_invalid}" 403 "${sdk_scope}")

# A server behind an API key gives no challenge, and to a bearer token it does not even look.
real_server(fastmcp4-apikey fastmcp4)
foreach(token no right wrong expired missing-scope)
  foreach(pin negotiated 2025-11-25)
    matrix_cell(fastmcp4-apikey bearer ${token} ${pin} 401)
    if(token STREQUAL "right" AND pin STREQUAL "negotiated")
      set(answer modern@2026-07-28)
    elseif(token STREQUAL "right")
      set(answer legacy@${pin})
    elseif(token STREQUAL "missing-scope")
      set(answer 403)
    else()
      set(answer 401)
    endif()
    matrix_cell(fastmcp4-apikey x-api-key ${token} ${pin} ${answer})
  endforeach()
endforeach()

# A server without authorisation lets everybody in. At its other path it answers a POST with 404.
real_server(everything everything)
real_server(everything-sse everything)
foreach(token no right wrong expired missing-scope)
  foreach(form bearer header)
    matrix_cell(everything ${form} ${token} negotiated legacy@2025-11-25)
    foreach(pin 2025-03-26 2025-06-18 2025-11-25)
      matrix_cell(everything ${form} ${token} ${pin} legacy@${pin})
    endforeach()
    matrix_cell(everything-sse ${form} ${token} negotiated legacy@2025-11-25)
    foreach(pin ${legacy_versions})
      matrix_cell(everything-sse ${form} ${token} ${pin} legacy@${pin})
    endforeach()
  endforeach()
  hidden_cells(everything-sse ${token} negotiated legacy@2025-11-25)
endforeach()
foreach(pin ${legacy_versions})
  hidden_cells(everything-sse right ${pin} legacy@${pin})
endforeach()

# recorded_life(SERVER LIFE VERSION): see recorded.py.
function(recorded_life server life version)
  real_test(recorded.${server}.${life} ${server} "real;recorded"
            ${Python3_EXECUTABLE} ${real_matrix}/recorded.py --recorder ${MCP_RECORDER} --program
            $<TARGET_FILE:mcp_recorded> --state ${real_state}/${server}.json --out
            ${real_state}/${server}.${life}.jsonl --life ${life} --version ${version})
endfunction()

recorded_life(fastmcp4-static modern 2026-07-28)
recorded_life(fastmcp4-static pinned 2025-11-25)
recorded_life(sdk2 modern 2026-07-28)
recorded_life(sdk2 pinned 2025-11-25)
recorded_life(fastmcp3-static legacy 2025-11-25)
recorded_life(fastmcp2-static legacy 2025-11-25)
recorded_life(everything legacy 2025-11-25)
recorded_life(fastmcp4-sse sse 2025-11-25)
recorded_life(fastmcp4-sse sse-pinned 2024-11-05)
recorded_life(fastmcp4-sse sse-fall-back 2025-11-25)
