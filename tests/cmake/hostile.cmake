# Malicious servers: Python tests that call the library through ctypes and serve raw sockets.
#
# Needs mcp::mcp, MCP_TEST_SERVER, Python3_EXECUTABLE and mcp_test_environment.

set(hostile ${CMAKE_CURRENT_SOURCE_DIR}/hostile)

# mcp_hostile_test(SUBJECT [PROGRAM ARGS...]): hostile/SUBJECT.py; PROGRAM, if given, runs it.
function(mcp_hostile_test subject)
  add_test(NAME hostile.${subject}
           COMMAND ${ARGN} ${Python3_EXECUTABLE} ${hostile}/${subject}.py $<TARGET_FILE:mcp::mcp>)
  set_tests_properties(
    hostile.${subject} PROPERTIES LABELS faults TIMEOUT 180
                                  ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

foreach(subject answers authorise caching callbacks causes changes channel config content cookies endless eras
        executed files floods forks gateways idle inconsistent_responses interpreter_exit keep_alive kept limits
        listening messages noise packed process_groups processes questions redaction refresh refusals resumption
        retry_after sharing stdio_faults stops tasks text transfer trust unix url_secrets)
  mcp_hostile_test(${subject})
endforeach()
mcp_hostile_test(tls ${MCP_TEST_SERVER} --run)
# Starts early: in one case the client needs 15 s until it gives up a server stream that fails.
set_tests_properties(hostile.listening PROPERTIES COST 20)

# Host names with several addresses: no machine has suitable ones, so a preloaded getaddrinfo returns them.
add_library(test-addresses MODULE ${hostile}/addresses.c)
set_target_properties(test-addresses PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
target_compile_options(test-addresses PRIVATE -Wall -Wextra -pedantic)
target_link_libraries(test-addresses PRIVATE ${CMAKE_DL_LIBS})
mcp_hostile_test(addresses ${CMAKE_COMMAND} -E env LD_PRELOAD=$<TARGET_FILE:test-addresses>)

# Real servers in rare situations: the cases of hostile/real_servers.py whose names begin with the name of the
# installation.
foreach(name fastmcp3 fastmcp2 ts1 fastify java go)
  add_test(NAME hostile.real_servers.${name}
           COMMAND ${Python3_EXECUTABLE} ${hostile}/real_servers.py $<TARGET_FILE:mcp::mcp> ${name})
  set_tests_properties(
    hostile.real_servers.${name} PROPERTIES FIXTURES_REQUIRED install.${name} LABELS "real;faults" TIMEOUT 180
                                            ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endforeach()

# Takes two minutes, mostly waiting.
mcp_hostile_test(patience)
set_tests_properties(hostile.patience PROPERTIES FIXTURES_REQUIRED install.everything LABELS "real;faults;deep"
                                                 TIMEOUT 220 COST 130)
