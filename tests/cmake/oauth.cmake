# OAuth with faults that no real authorization server has: Python tests that call the library through ctypes, with
# scripted servers (oauth/scripted_server.py).
#
# Needs mcp::mcp, Python3_EXECUTABLE and mcp_test_environment.

set(oauth ${CMAKE_CURRENT_SOURCE_DIR}/oauth)

# mcp_oauth_test(SUBJECT LABEL [PROGRAM ARGS...]): oauth/SUBJECT.py; PROGRAM, if given, runs it.
function(mcp_oauth_test subject label)
  add_test(NAME oauth.${subject}
           COMMAND ${ARGN} ${Python3_EXECUTABLE} ${oauth}/${subject}.py $<TARGET_FILE:mcp::mcp>)
  set_tests_properties(
    oauth.${subject} PROPERTIES LABELS ${label} TIMEOUT 180
                                ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

foreach(subject browsers disclosure discovery_faults listener login_time login_traps mixed_up processes races
        redirect_ports registration_faults revocation_faults stops token_faults token_traps transports)
  mcp_oauth_test(${subject} faults)
endforeach()

# Servers of this machine appear to have public and private addresses: preloaded functions look up names and connect.
add_library(test-public-addresses MODULE ${oauth}/public_addresses.c)
set_target_properties(test-public-addresses PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
target_compile_options(test-public-addresses PRIVATE -Wall -Wextra -pedantic)
target_link_libraries(test-public-addresses PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)
mcp_oauth_test(addresses faults ${CMAKE_COMMAND} -E env LD_PRELOAD=$<TARGET_FILE:test-public-addresses>)
