# Two servers that make FastMCP's client hang; libmcp must not hang with them.
#
# Needs mcp::mcp, Python3_EXECUTABLE, mcp_test_environment and the fixture install.fastmcp4.

add_executable(mcp_hang ${CMAKE_CURRENT_SOURCE_DIR}/hangs/hang.c)
set_target_properties(mcp_hang PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
target_compile_options(mcp_hang PRIVATE -Wall -Wextra -pedantic)
target_link_libraries(mcp_hang PRIVATE mcp::mcp)

add_test(NAME hangs.sse
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/hangs/hangs.py $<TARGET_FILE:mcp_hang>)
set_tests_properties(hangs.sse PROPERTIES FIXTURES_REQUIRED install.fastmcp4 LABELS real TIMEOUT 240
                                          ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
