# The fault matrix: every fault on every transport that it applies to (faults/matrix.py).
#
# Needs mcp::mcp, Python3_EXECUTABLE and mcp_test_environment.

set(faults ${CMAKE_CURRENT_SOURCE_DIR}/faults)

# mcp_fault_test(SUBJECT): faults/SUBJECT.py.
#
# The test measures many calls in parallel threads against their timeouts: PROCESSORS 2 keeps other tests from running.
function(mcp_fault_test subject)
  add_test(NAME faults.${subject} COMMAND ${Python3_EXECUTABLE} ${faults}/${subject}.py $<TARGET_FILE:mcp::mcp>)
  set_tests_properties(
    faults.${subject} PROPERTIES LABELS faults TIMEOUT 300 PROCESSORS 2
                                 ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

foreach(subject bodies heads messages statuses streams)
  mcp_fault_test(${subject})
endforeach()
