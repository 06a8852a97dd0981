# Servers that mean harm: the library through Python's ctypes, against a raw server on a socket.
#
# Needs mcp::mcp, MCP_TEST_SERVER, Python3_EXECUTABLE and mcp_test_environment.

set(hostile ${CMAKE_CURRENT_SOURCE_DIR}/hostile)

# mcp_hostile_test(SUBJECT [PROGRAM ARGS...]): hostile/SUBJECT.py, run by the program where there is one.
function(mcp_hostile_test subject)
  add_test(NAME hostile.${subject}
           COMMAND ${ARGN} ${Python3_EXECUTABLE} ${hostile}/${subject}.py $<TARGET_FILE:mcp::mcp>)
  set_tests_properties(
    hostile.${subject} PROPERTIES LABELS faults TIMEOUT 60
                                  ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

foreach(subject answers callbacks endless eras forks redaction sharing stops text)
  mcp_hostile_test(${subject})
endforeach()
mcp_hostile_test(tls ${MCP_TEST_SERVER} --run)
