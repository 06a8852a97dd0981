# The complete protocol against real servers: each program of protocol/ tests one subject, on every server that supports
# it.
#
# Needs mcp-check, mcp_c_program, and what real_servers.cmake sets and defines.

add_library(mcp-protocol STATIC protocol/protocol.c)
target_link_libraries(mcp-protocol PUBLIC mcp-check)
target_include_directories(mcp-protocol PUBLIC protocol)
set_target_properties(mcp-protocol PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
target_compile_options(mcp-protocol PRIVATE -Wall -Wextra -Wpedantic -Werror)

real_install(ts2)

foreach(name everything_tools everything_resources everything_prompts everything_inputs everything_progress
             everything_changes everything_logging everything_tasks
             tools resources prompts inputs waiting_inputs progress logging changes caching headers trace)
  mcp_c_program(protocol-${name} protocol/${name}.c mcp-protocol)
  target_compile_options(protocol-${name} PRIVATE -Wpedantic -Werror)
endforeach()

# protocol_test(SUBJECT SERVER INSTALL VERSION [ARGUMENT...]): runs the program SUBJECT with the ARGUMENTs against
# SERVER. The negotiation must result in VERSION; with =VERSION, the client is pinned to it (see protocol.h). The client
# itself starts a SERVER whose name ends in -stdio, and the program one whose name ends in -fds.
function(protocol_test subject server install version)
  set(name protocol.${subject}.${server})
  if(version MATCHES "^=(.*)")
    string(APPEND name .${CMAKE_MATCH_1})
  endif()
  set(program $<TARGET_FILE:protocol-${subject}> ${ARGN} ${version})
  if(server MATCHES "-(stdio|fds)$")
    set(command ${Python3_EXECUTABLE} ${real_servers}/stdio.py ${server} ${program})
    set(fixture install.${install})
  else()
    set(command ${program} http ${real_state}/${server}.json)
    set(fixture server.${server})
  endif()
  add_test(NAME ${name} COMMAND ${command})
  set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED ${fixture} LABELS "real;protocol" TIMEOUT 240
                                          ENVIRONMENT "${mcp_test_environment}")
  # A server notifies all clients of a change, also those of other tests.
  if(subject MATCHES "^(changes|caching)$" AND server MATCHES "^features-ts2")
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK changes_of_features_ts2)
  endif()
endfunction()

# --- server-everything ------------------------------------------------------------------------------------------------

foreach(server everything everything-sse everything-stdio)
  foreach(subject tools resources prompts inputs progress changes logging tasks)
    protocol_test(everything_${subject} ${server} everything 2025-11-25)
  endforeach()
  # The features of all legacy versions. Over Streamable HTTP, the server does not support the first version.
  foreach(version 2024-11-05 2025-03-26 2025-06-18)
    if(NOT (server STREQUAL "everything" AND version STREQUAL "2024-11-05"))
      foreach(subject tools resources prompts progress changes logging)
        protocol_test(everything_${subject} ${server} everything =${version})
      endforeach()
    endif()
  endforeach()
  protocol_test(everything_inputs ${server} everything =2025-06-18)
endforeach()

foreach(server everything everything-sse everything-stdio everything-fds)
  protocol_test(trace ${server} everything 2025-11-25 message)
endforeach()

# Over a socket pair that the program has opened. (In "tools", the server shows its environment, which is the
# program's.)
foreach(subject inputs progress changes logging)
  protocol_test(everything_${subject} everything-fds everything 2025-11-25)
endforeach()
protocol_test(tools features-fastmcp4-fds fastmcp4 2026-07-28 7)
protocol_test(trace features-fastmcp4-fds fastmcp4 2026-07-28 text)
protocol_test(inputs features-fastmcp4-fds fastmcp4 2026-07-28
              form+sample+roots+rounds+no-direct+no-handler-client-error+failing-handler-client-error)

# --- Test servers based on FastMCP, the Python SDK and the TypeScript SDK ---------------------------------------------

foreach(name fastmcp4 fastmcp4-sse fastmcp3 fastmcp2 sdk2 sdk2-sse ts2)
  string(REPLACE "-sse" "" install ${name})
  real_server(features-${name} ${install})
endforeach()

# FastMCP 3 and 4 are configured with pages of two. FastMCP supports completion since version 4, and no subscriptions in
# the modern protocol.
foreach(server fastmcp2 fastmcp2-stdio fastmcp3 fastmcp3-stdio)
  string(REGEX REPLACE "-.*" "" install ${server})
  if(install STREQUAL "fastmcp3")
    protocol_test(tools features-${server} ${install} 2025-11-25 6)
    protocol_test(resources features-${server} ${install} 2025-11-25 -32002)
    protocol_test(logging features-${server} ${install} 2025-11-25 by-level)
  else()
    protocol_test(tools features-${server} ${install} 2025-11-25 1)
    protocol_test(resources features-${server} ${install} 2025-11-25 0)
    protocol_test(logging features-${server} ${install} 2025-11-25 refused)
  endif()
  protocol_test(prompts features-${server} ${install} 2025-11-25 no-completion 0)
  protocol_test(progress features-${server} ${install} 2025-11-25)
  protocol_test(inputs features-${server} ${install} 2025-11-25
                form+sample+roots+no-handler-tool-error+failing-handler-tool-error)
  protocol_test(changes features-${server} ${install} 2025-11-25 tools+prompts+resources+refused)
endforeach()

foreach(server fastmcp4 fastmcp4-sse fastmcp4-stdio)
  set(versions 2026-07-28 =2025-11-25)
  if(server MATCHES "-sse$")
    set(versions 2025-11-25)
  endif()
  foreach(version ${versions})
    protocol_test(tools features-${server} fastmcp4 ${version} 7)
    protocol_test(resources features-${server} fastmcp4 ${version} -32602)
    protocol_test(prompts features-${server} fastmcp4 ${version} completes -32602)
    protocol_test(progress features-${server} fastmcp4 ${version})
    protocol_test(logging features-${server} fastmcp4 ${version} by-level)
    protocol_test(trace features-${server} fastmcp4 ${version} text)
    if(version STREQUAL "2026-07-28")
      protocol_test(inputs features-${server} fastmcp4 ${version}
                    form+sample+roots+rounds+no-direct+no-handler-client-error+failing-handler-client-error)
      protocol_test(changes features-${server} fastmcp4 ${version} no-listening)
    else()
      protocol_test(inputs features-${server} fastmcp4 ${version}
                    form+sample+roots+direct+no-handler-tool-error+failing-handler-tool-error)
      protocol_test(changes features-${server} fastmcp4 ${version} tools+prompts+resources+refused)
    endif()
  endforeach()
endforeach()

# The Python SDK has no logging/setLevel in legacy versions, and reports an unknown prompt with a different error code
# in modern and legacy versions.
foreach(server sdk2 sdk2-sse sdk2-stdio)
  set(versions 2026-07-28 =2025-11-25)
  if(server MATCHES "-sse$")
    set(versions 2025-11-25)
  endif()
  foreach(version ${versions})
    protocol_test(tools features-${server} sdk2 ${version} 1)
    protocol_test(resources features-${server} sdk2 ${version} -32602)
    protocol_test(progress features-${server} sdk2 ${version})
    if(version STREQUAL "2026-07-28")
      protocol_test(prompts features-${server} sdk2 ${version} completes -32603)
      protocol_test(logging features-${server} sdk2 ${version} by-level)
      protocol_test(inputs features-${server} sdk2 ${version}
                    form+sample+roots+all+no-direct-rpc+no-handler-rpc-error+failing-handler-client-error)
      protocol_test(changes features-${server} sdk2 ${version} tools+prompts+resources+updated)
    else()
      protocol_test(prompts features-${server} sdk2 ${version} completes 0)
      protocol_test(logging features-${server} sdk2 ${version} refused)
      protocol_test(inputs features-${server} sdk2 ${version}
                    form+sample+roots+direct+all+no-handler-rpc-error+failing-handler-rpc-error)
      protocol_test(changes features-${server} sdk2 ${version} tools+prompts+resources+refused)
    endif()
  endforeach()
endforeach()

# The TypeScript SDK serves legacy versions over HTTP without a session: the server can send neither requests nor
# notifications outside a call.
foreach(server ts2 ts2-stdio)
  foreach(version 2026-07-28 =2025-11-25)
    protocol_test(tools features-${server} ts2 ${version} 1)
    protocol_test(resources features-${server} ts2 ${version} -32602)
    protocol_test(prompts features-${server} ts2 ${version} completes -32602)
    protocol_test(progress features-${server} ts2 ${version})
    if(version STREQUAL "2026-07-28")
      protocol_test(logging features-${server} ts2 ${version} by-level)
      protocol_test(inputs features-${server} ts2 ${version}
                    form+sample+roots+url+all+rounds+retry+no-direct+no-handler-rpc-error+failing-handler-client-error)
      protocol_test(changes features-${server} ts2 ${version} tools+prompts+resources+updated)
      protocol_test(headers features-${server} ts2 ${version})
    elseif(server STREQUAL "ts2")
      protocol_test(logging features-${server} ts2 ${version} ignored)
      protocol_test(inputs features-${server} ts2 ${version} no-handler-tool-error)
      protocol_test(changes features-${server} ts2 ${version} no-listening)
    else()
      protocol_test(logging features-${server} ts2 ${version} by-level)
      protocol_test(inputs features-${server} ts2 ${version}
                    form+sample+roots+all+rounds+retry+no-handler-tool-error+failing-handler-tool-error)
      protocol_test(changes features-${server} ts2 ${version} tools+prompts+resources+refused)
    endif()
  endforeach()
endforeach()
# Handlers that wait: in both eras, and over each transport.
protocol_test(waiting_inputs features-fastmcp4 fastmcp4 2026-07-28)
protocol_test(waiting_inputs features-fastmcp4 fastmcp4 =2025-11-25)
protocol_test(waiting_inputs features-fastmcp4-sse fastmcp4 2025-11-25)
protocol_test(waiting_inputs features-fastmcp4-stdio fastmcp4 2026-07-28)
protocol_test(waiting_inputs features-fastmcp4-stdio fastmcp4 =2025-11-25)

protocol_test(caching features-ts2 ts2 2026-07-28)
