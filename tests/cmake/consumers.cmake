# Projects that use libmcp, one for each way to link it; see consumers/README.md.
#
# Needs mcp::mcp, MCP_TEST_SERVER, Python3_EXECUTABLE and mcp_test_environment.

set(consumers ${CMAKE_CURRENT_SOURCE_DIR}/consumers)

# consumer(KIND): the test consumer.KIND.
function(consumer kind)
  add_test(
    NAME consumer.${kind}
    COMMAND
      ${Python3_EXECUTABLE} ${consumers}/run.py ${kind} --cmake ${CMAKE_COMMAND} --generator ${CMAKE_GENERATOR} --cc
      ${CMAKE_C_COMPILER} --cxx ${CMAKE_CXX_COMPILER} --build ${PROJECT_BINARY_DIR} --build-type
      "${CMAKE_BUILD_TYPE}" --source ${PROJECT_SOURCE_DIR} --cargo-dir ${MCP_CARGO_TARGET_DIR} --version
      ${PROJECT_VERSION} --server ${MCP_TEST_SERVER} --work ${CMAKE_CURRENT_BINARY_DIR}/consumers)
  set_tests_properties(
    consumer.${kind} PROPERTIES LABELS consumer TIMEOUT 300
                                ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

# Projects that use an installed libmcp. They share one prefix.
if(MCP_INSTALL)
  consumer(install)
  consumer(clean)
  set_tests_properties(consumer.install PROPERTIES FIXTURES_SETUP consumer.prefix)
  set_tests_properties(consumer.clean PROPERTIES FIXTURES_CLEANUP consumer.prefix)
  foreach(kind tree find-package-c find-package-cpp find-package-versions pkg-config static-cmake static-pkg-config
               dlopen)
    consumer(${kind})
    set_tests_properties(consumer.${kind} PROPERTIES FIXTURES_REQUIRED consumer.prefix)
  endforeach()
endif()

# Projects that include the source tree. If it has changed since libmcp was built, cargo builds it again here.
foreach(kind add-subdirectory fetchcontent)
  consumer(${kind})
  set_tests_properties(consumer.${kind} PROPERTIES RESOURCE_LOCK cargo TIMEOUT 600)
endforeach()
