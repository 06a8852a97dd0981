# Cancel and close from every state at random moments: 1,000 times in the preset test, 10,000 times in deep. Not under valgrind,
# which takes too long for that; sanitizers.cmake runs a smaller number under the race detector.
#
# Needs mcp-check, MCP_TEST_SERVER and mcp_test_environment.

set(storm_sources c/storm.c c/storm_states.c c/storm_gate.c c/storm_report.c c/storm_serve.c c/storm_wake.c)
mcp_c_program(test-storm "${storm_sources}" mcp-check)
add_test(NAME c.storm.short COMMAND "${MCP_TEST_SERVER}" --run $<TARGET_FILE:test-storm> --rounds 1000)
add_test(NAME c.storm COMMAND "${MCP_TEST_SERVER}" --run $<TARGET_FILE:test-storm>)
set_tests_properties(c.storm.short PROPERTIES LABELS faults TIMEOUT 300 ENVIRONMENT "${mcp_test_environment}")
# A quarter of a minute, or 20 seconds on a machine that is busy.
set_tests_properties(c.storm PROPERTIES LABELS "faults;deep" TIMEOUT 300 COST 30 ENVIRONMENT "${mcp_test_environment}")
