# Cancel and close from every state, 10,000 times at random moments; not under valgrind, which takes too long for that. A smaller
# number runs under the race detector: see sanitizers.cmake.
#
# Needs mcp-check, MCP_TEST_SERVER and mcp_test_environment.

set(storm_sources c/storm.c c/storm_states.c c/storm_gate.c c/storm_report.c c/storm_serve.c c/storm_wake.c)
mcp_c_program(test-storm "${storm_sources}" mcp-check)
add_test(NAME c.storm COMMAND "${MCP_TEST_SERVER}" --run $<TARGET_FILE:test-storm>)
# A quarter of a minute, or 20 seconds on a machine that is busy.
set_tests_properties(c.storm PROPERTIES LABELS faults TIMEOUT 300 COST 30 ENVIRONMENT "${mcp_test_environment}")
