# The examples against real servers. tests/examples/examples.py runs those that need tokens that change.
#
# Needs Python3_EXECUTABLE, mcp_test_environment and real_servers.cmake.

# mcp_example_test(NAME PROGRAM): if the program was not built, the test fails with a message that says what it needs.
function(mcp_example_test name program)
  add_test(NAME example.${name}
           COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/examples/examples.py ${name}
                   "$<$<TARGET_EXISTS:${program}>:$<TARGET_FILE:${program}>>")
  set_tests_properties(
    example.${name} PROPERTIES FIXTURES_REQUIRED install.fastmcp4 LABELS real TIMEOUT 240
                               ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

if(MCP_BUILD_EXAMPLES)
  real_test(example.alive fastmcp4-static real ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/examples/alive.py
            ${real_state}/fastmcp4-static.json "$<$<TARGET_EXISTS:alive>:$<TARGET_FILE:alive>>")
  real_test(example.agent everything real ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/examples/agent.py
            ${real_state}/everything.json "$<$<TARGET_EXISTS:agent>:$<TARGET_FILE:agent>>")
  foreach(name glib epoll)
    real_test(example.${name} everything real ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/examples/loops.py
              ${name} "$<$<TARGET_EXISTS:${name}>:$<TARGET_FILE:${name}>>" ${real_state}/everything.json)
  endforeach()
  real_test(example.servers everything real ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/examples/servers.py
            "$<$<TARGET_EXISTS:servers>:$<TARGET_FILE:servers>>" ${real_state}/everything.json)
  mcp_example_test(token-file token_file)
  mcp_example_test(client-credentials client_credentials)
  mcp_example_test(login login)
  mcp_example_test(service-key service_key)
  mcp_example_test(ci-job ci_job)
endif()
