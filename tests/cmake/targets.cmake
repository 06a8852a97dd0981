# Checks that the library compiles for targets on which no test runs.
#
# Needs Python3_EXECUTABLE, MCP_CARGO, mcp_prepare, mcp_instrumented and mcp_test_environment.

set(targets_check ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/targets/check.py)
mcp_prepare(targets prepare-deep CARGO=${MCP_CARGO} ${targets_check} --prepare)

set(targets_environment "CARGO=${MCP_CARGO}" "CARGO_TARGET_DIR=${mcp_instrumented}/cargo-targets"
                        "PYTHONDONTWRITEBYTECODE=1" ${mcp_test_environment})
foreach(target x86_64-unknown-linux-musl aarch64-apple-darwin i686-unknown-linux-gnu)
  add_test(NAME targets.${target} COMMAND ${targets_check} ${target})
  set_tests_properties(
    targets.${target} PROPERTIES LABELS "targets;deep" TIMEOUT 600 RESOURCE_LOCK targets
                                 ENVIRONMENT "${targets_environment}")
endforeach()
