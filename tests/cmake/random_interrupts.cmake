# Cancel and close in every state at random moments: 1,000 rounds in the preset test, 10,000 rounds in deep. Not under
# valgrind, which takes too long; sanitizers.cmake runs fewer rounds under the sanitizers.
#
# Needs mcp-check, MCP_TEST_SERVER and mcp_test_environment.

set(random_interrupts_sources c/random_interrupts.c c/interrupt_states.c c/interrupt_gate.c c/interrupt_oauth.c
    c/interrupt_report.c c/interrupt_server.c c/interrupt_wakeups.c)
mcp_c_program(test-random_interrupts "${random_interrupts_sources}" mcp-check)
add_test(NAME c.random_interrupts.short
  COMMAND "${MCP_TEST_SERVER}" --run $<TARGET_FILE:test-random_interrupts> --rounds 1000)
add_test(NAME c.random_interrupts COMMAND "${MCP_TEST_SERVER}" --run $<TARGET_FILE:test-random_interrupts>)
set_tests_properties(c.random_interrupts.short PROPERTIES LABELS faults TIMEOUT 300
  ENVIRONMENT "${mcp_test_environment}")
# It takes 15 seconds, or 20 seconds on a busy machine.
set_tests_properties(c.random_interrupts PROPERTIES LABELS "faults;deep" TIMEOUT 300 COST 30
  ENVIRONMENT "${mcp_test_environment}")
