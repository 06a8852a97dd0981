# Validates all messages that a client sends, in each protocol version, against the schema of the specification: see
# schema/README.md.
#
# Needs mcp::mcp, Python3_EXECUTABLE, mcp_test_environment and the fixture install.fastmcp4, which brings jsonschema.

mcp_c_program(test-send_all schema/send_all.c mcp::mcp)
foreach(version 2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28)
  add_test(NAME schema.${version} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/schema/recorded.py
                                          $<TARGET_FILE:test-send_all> ${version})
  set_tests_properties(schema.${version} PROPERTIES FIXTURES_REQUIRED install.fastmcp4 LABELS schema TIMEOUT 300
                                                    ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endforeach()

# The same program under valgrind: it must leak no memory.
foreach(version 2025-11-25 2026-07-28)
  add_test(NAME valgrind.schema.${version}
    COMMAND "${MCP_VALGRIND}" --quiet --error-exitcode=99 --leak-check=full
            --errors-for-leak-kinds=definite,indirect,possible --show-leak-kinds=definite,indirect,possible
            $<TARGET_FILE:test-send_all> ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/schema/server.py ${version}
            ${CMAKE_CURRENT_BINARY_DIR}/schema-${version}.record)
  set_tests_properties(valgrind.schema.${version} PROPERTIES LABELS "valgrind;deep" TIMEOUT 300
    ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1;LD_LIBRARY_PATH=${MCP_CARGO_TARGET_DIR}/debug")
endforeach()
