# Logins at real authorization servers: the program oauth/login.c, which Python tests run against each server.
#
# Needs mcp_c_program, mcp::mcp, Python3_EXECUTABLE, mcp_test_environment and real_servers.cmake.

mcp_c_program(test-oauth-login oauth/login.c mcp::mcp Threads::Threads)

# oauth_test(NAME INSTALLS SCRIPT ARGUMENTS...): INSTALLS are the installations that its servers need.
function(oauth_test name installs script)
  add_test(NAME oauth.${name} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/oauth/${script}.py
                                      $<TARGET_FILE:test-oauth-login> ${ARGN})
  list(TRANSFORM installs PREPEND install.)
  set_tests_properties(
    oauth.${name} PROPERTIES FIXTURES_REQUIRED "${installs}" LABELS "real;oauth" TIMEOUT 300
                             ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

oauth_test(oidc-features oidc oidc)
foreach(server oidc fastmcp4 fastmcp2 sdk2 ts1 zitadel)
  oauth_test(${server} ${server} real_servers oauth-${server})
endforeach()
# Servers of FastMCP that leave the login to oidc-provider.
foreach(fastmcp fastmcp4 fastmcp2)
  foreach(kind proxy remote)
    oauth_test(${fastmcp}-${kind} "${fastmcp};oidc" real_servers oauth-${fastmcp}-${kind})
  endforeach()
endforeach()
