# The rows of the fault matrix about connections, TLS, DNS, proxies, processes and system limits.
#
# Needs mcp::mcp, Python3_EXECUTABLE, mcp_test_environment, mcp_fault_test of faults.cmake, and the target
# test-addresses of hostile.cmake.

foreach(subject processes_matrix proxies_faults system tls_faults)
  mcp_fault_test(${subject})
endforeach()

# mcp_preload(NAME): builds faults/NAME.c as a library for LD_PRELOAD, which replaces a function of libc.
function(mcp_preload name)
  add_library(test-${name} MODULE ${faults}/${name}.c)
  set_target_properties(test-${name} PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
  target_compile_options(test-${name} PRIVATE -Wall -Wextra -pedantic)
  target_link_libraries(test-${name} PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)
endfunction()

# mcp_preloaded_fault_test(SUBJECT FILES): faults/SUBJECT.py, with these libraries in LD_PRELOAD.
function(mcp_preloaded_fault_test subject files)
  mcp_fault_test(${subject})
  set_property(TEST faults.${subject} APPEND PROPERTY ENVIRONMENT "LD_PRELOAD=${files}")
endfunction()

# Connections that are reset before connect() returns to the client.
mcp_preload(resets)
mcp_preloaded_fault_test(connections $<TARGET_FILE:test-resets>)

# Host names whose lookup fails, stalls or changes (lookups), and host names with several addresses (addresses).
mcp_preload(lookups)
mcp_preloaded_fault_test(names $<TARGET_FILE:test-lookups>:$<TARGET_FILE:test-addresses>)
