# Misuse of the API: every export with wrong arguments, at the wrong time, and from within callbacks.
#
# Needs mcp-check, mcp_c_program, MCP_TEST_SERVER, MCP_VALGRIND, Python3_EXECUTABLE and mcp_test_environment.

set(misuse ${CMAKE_CURRENT_SOURCE_DIR}/c)
set(misuse_server ${CMAKE_CURRENT_SOURCE_DIR}/schema/server.py)

# misuse_cases.py generates the calls from the header, so that every export is tested.
add_custom_command(
  OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/misuse_cases.c
  COMMAND ${Python3_EXECUTABLE} ${misuse}/misuse_cases.py ${PROJECT_SOURCE_DIR}/include/mcp.h
          ${CMAKE_CURRENT_SOURCE_DIR}/abi/symbols.txt ${CMAKE_CURRENT_BINARY_DIR}/misuse_cases.c
  DEPENDS ${misuse}/misuse_cases.py ${PROJECT_SOURCE_DIR}/include/mcp.h ${CMAKE_CURRENT_SOURCE_DIR}/abi/symbols.txt
  VERBATIM)
mcp_c_program(test-misuse c/misuse.c mcp-check)
target_sources(test-misuse PRIVATE c/misuse_fixture.c ${CMAKE_CURRENT_BINARY_DIR}/misuse_cases.c)
target_include_directories(test-misuse PRIVATE c)
foreach(name misuse_callbacks misuse_oauth misuse_oauth_life misuse_registrations misuse_life)
  mcp_c_program(test-${name} c/${name}.c mcp-check)
endforeach()

# mcp_misuse_test(NAME [ARGS...]): the tests c.NAME, and valgrind.NAME with the additional arguments mcp_valgrind_NAME.
function(mcp_misuse_test name)
  add_test(NAME c.${name} COMMAND "${MCP_TEST_SERVER}" --run $<TARGET_FILE:test-${name}> ${ARGN})
  set_tests_properties(c.${name} PROPERTIES LABELS fast TIMEOUT 120
    ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
  add_test(NAME valgrind.${name}
    COMMAND "${MCP_TEST_SERVER}" --run "${MCP_VALGRIND}" --quiet --error-exitcode=99 --leak-check=full
            --errors-for-leak-kinds=definite,indirect,possible --show-leak-kinds=definite,indirect,possible
            $<TARGET_FILE:test-${name}> ${ARGN} ${mcp_valgrind_${name}})
  set_tests_properties(valgrind.${name} PROPERTIES LABELS "valgrind;deep" TIMEOUT 600
    ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1;LD_LIBRARY_PATH=${MCP_CARGO_TARGET_DIR}/debug")
endfunction()

set(mcp_valgrind_misuse --brief)
mcp_misuse_test(misuse ${Python3_EXECUTABLE} ${misuse_server})
mcp_misuse_test(misuse_callbacks ${Python3_EXECUTABLE} ${misuse_server})
mcp_misuse_test(misuse_oauth)
mcp_misuse_test(misuse_oauth_life)
mcp_misuse_test(misuse_registrations)
mcp_misuse_test(misuse_life)

# Searches the memory of the process for secrets. Not under valgrind: its memory is in the same process.
mcp_c_program(test-secrets c/secrets.c mcp-check)
target_sources(test-secrets PRIVATE c/secrets_scan.c)
add_test(NAME c.secrets
  COMMAND "${MCP_TEST_SERVER}" --run "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_SOURCE_DIR}/proxies/scripted.py"
          --run $<TARGET_FILE:test-secrets>)
set_tests_properties(c.secrets PROPERTIES LABELS faults TIMEOUT 300
  ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")

# Out of memory for a large response. Not under valgrind, which needs more memory than the limit allows.
mcp_c_program(test-misuse_memory c/misuse_memory.c mcp-check)
add_test(NAME c.misuse_memory COMMAND "${MCP_TEST_SERVER}" --run $<TARGET_FILE:test-misuse_memory>)
set_tests_properties(c.misuse_memory PROPERTIES LABELS faults TIMEOUT 300 ENVIRONMENT "${mcp_test_environment}")
