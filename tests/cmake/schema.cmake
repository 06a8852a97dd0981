# Everything that a client says, in each version, against the schema of the specification: see schema/README.md.
#
# Needs mcp::mcp, Python3_EXECUTABLE, mcp_test_environment and the fixture install.fastmcp4, which brings jsonschema.

mcp_c_program(test-speaks schema/speaks.c mcp::mcp)
foreach(version 2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28)
  add_test(NAME schema.${version} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/schema/recorded.py
                                          $<TARGET_FILE:test-speaks> ${version})
  set_tests_properties(schema.${version} PROPERTIES FIXTURES_REQUIRED install.fastmcp4 LABELS schema TIMEOUT 120
                                                    ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endforeach()
