# The official conformance suite: one test for each scenario and revision in conformance/scenarios.txt.
#
# Needs mcp_c_program, mcp::mcp, Python3_EXECUTABLE and mcp_test_environment. The suite and the Node.js that runs it are
# installed in <repo>/.cache, or in $LIBMCP_CACHE.

set(conformance "${CMAKE_CURRENT_SOURCE_DIR}/conformance")

mcp_c_program(test-conformance "${conformance}/client.c" mcp::mcp)
target_sources(test-conformance PRIVATE "${conformance}/oauth.c" "${conformance}/authorize.c")

mcp_prepare(conformance prepare ${Python3_EXECUTABLE} ${conformance}/suite.py)
add_test(NAME install.conformance COMMAND "${Python3_EXECUTABLE}" "${conformance}/suite.py")
set_tests_properties(install.conformance PROPERTIES FIXTURES_SETUP install.conformance LABELS conformance TIMEOUT 60
                                                    ENVIRONMENT "${mcp_test_environment}")

# conformance_test(NAME SCRIPT ARGUMENTS...)
function(conformance_test name script)
  add_test(NAME conformance.${name} COMMAND "${Python3_EXECUTABLE}" "${conformance}/${script}" ${ARGN})
  set_tests_properties(
    conformance.${name} PROPERTIES FIXTURES_REQUIRED install.conformance LABELS conformance TIMEOUT 240
                                   ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${conformance}/scenarios.txt")
file(STRINGS "${conformance}/scenarios.txt" lines REGEX "^run ")
foreach(line ${lines})
  separate_arguments(words UNIX_COMMAND "${line}")
  list(POP_FRONT words keyword scenario)
  if(words STREQUAL "extension")
    set(words 2025-11-25 2026-07-28)
  endif()
  foreach(revision ${words})
    conformance_test(${revision}.${scenario} run.py $<TARGET_FILE:test-conformance> ${scenario} ${revision})
  endforeach()
endforeach()
conformance_test(list list.py)

# In some scenarios the suite passes a client that does nothing. run.py must report it as failed.
find_program(MCP_TRUE true REQUIRED)
conformance_test(nothing.initialize run.py "${MCP_TRUE}" initialize 2025-11-25)
conformance_test(nothing.http-standard-headers run.py "${MCP_TRUE}" http-standard-headers 2026-07-28)
set_tests_properties(conformance.nothing.initialize conformance.nothing.http-standard-headers
                     PROPERTIES PASS_REGULAR_EXPRESSION "0/0 checks passed.*no check was passed")
