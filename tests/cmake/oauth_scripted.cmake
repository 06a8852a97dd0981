# OAuth with faults that no real authorization server has: Python tests that call the library through ctypes, with
# scripted servers (oauth/scripted/scripted_server.py).
#
# Needs mcp::mcp, Python3_EXECUTABLE and mcp_test_environment.

set(oauth_scripted ${CMAKE_CURRENT_SOURCE_DIR}/oauth/scripted)

# mcp_oauth_test(SUBJECT LABELS [PROGRAM ARGS...]): oauth/scripted/SUBJECT.py; PROGRAM, if given, runs it.
function(mcp_oauth_test subject labels)
  add_test(NAME oauth.${subject}
           COMMAND ${ARGN} ${Python3_EXECUTABLE} ${oauth_scripted}/${subject}.py $<TARGET_FILE:mcp::mcp>)
  set_tests_properties(
    oauth.${subject} PROPERTIES LABELS "${labels}" TIMEOUT 180
                                ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

foreach(subject disclosure listener login_traps mixed_up redirect_ports registration_faults transports)
  mcp_oauth_test(${subject} "faults;fast")
endforeach()
foreach(subject browsers discovery_faults login_time processes races revocation_faults stops token_faults token_traps)
  mcp_oauth_test(${subject} faults)
endforeach()
# They measure how fast calls of many threads end: PROCESSORS 2 keeps other tests from running.
set_tests_properties(oauth.races oauth.stops PROPERTIES PROCESSORS 2)

# Servers of this machine appear to have public and private addresses: preloaded functions look up names and connect.
add_library(test-public-addresses MODULE ${oauth_scripted}/public_addresses.c)
set_target_properties(test-public-addresses PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
target_compile_options(test-public-addresses PRIVATE -Wall -Wextra -pedantic)
target_link_libraries(test-public-addresses PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)
mcp_oauth_test(addresses faults ${CMAKE_COMMAND} -E env LD_PRELOAD=$<TARGET_FILE:test-public-addresses>)
