# Builds and tests the Swift package and checks its documentation, with the machine's Swift or with that of a chroot.
#
# Needs mcp::mcp, MCP_TEST_SERVER, Python3_EXECUTABLE, mcp_test_environment, and the definitions of real_servers.cmake,
# protocol.cmake and consumers.cmake.

set(swift ${CMAKE_CURRENT_SOURCE_DIR}/swift)
set(swift_servers
    fastmcp4-static fastmcp4-apikey fastmcp4-sse fastmcp3-static everything everything-sse features-fastmcp4
    features-ts2)
list(TRANSFORM swift_servers PREPEND server. OUTPUT_VARIABLE swift_fixtures)

# Creates a chroot with a Swift toolchain if the machine has no Swift; the first time takes one to two minutes.
mcp_prepare(swift-toolchain "prepare;prepare-deep" ${Python3_EXECUTABLE} ${swift}/chroot.py)
add_test(NAME swift.toolchain COMMAND ${Python3_EXECUTABLE} ${swift}/chroot.py)
set_tests_properties(swift.toolchain PROPERTIES FIXTURES_SETUP swift.toolchain LABELS swift TIMEOUT 60
                                                RESOURCE_LOCK swift ENVIRONMENT "${mcp_test_environment}")

# The command line of swift/run.py, without the job.
set(swift_run ${Python3_EXECUTABLE} ${swift}/run.py --library $<TARGET_FILE:mcp::mcp> --include
    "$<TARGET_PROPERTY:mcp::mcp,INTERFACE_INCLUDE_DIRECTORIES>" --server ${MCP_TEST_SERVER} --state ${real_state}
    --build ${CMAKE_CURRENT_BINARY_DIR})
mcp_prepare(swift prepare ${swift_run} build)
mcp_prepare(swift-tsan prepare-deep ${swift_run} build-tsan)
foreach(name swift swift-tsan)
  add_dependencies(prepare-${name} prepare-swift-toolchain mcp-library mcp-test-server)
endforeach()
add_dependencies(prepare-swift-tsan prepare-swift) # both use the same build folder: never build them in parallel

# swift_test(JOB [FIXTURE...]): the test swift.JOB; see swift/run.py.
function(swift_test job)
  add_test(NAME swift.${job} COMMAND ${swift_run} ${job})
  set_tests_properties(
    swift.${job} PROPERTIES FIXTURES_REQUIRED "swift.toolchain;${ARGN}" LABELS swift TIMEOUT 600 RESOURCE_LOCK swift
                            ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
  if(job MATCHES "^(test|tsan)$") # see protocol.cmake
    set_tests_properties(swift.${job} PROPERTIES RESOURCE_LOCK "swift;changes_of_features_ts2")
  endif()
endfunction()

swift_test(build)
set_tests_properties(swift.build PROPERTIES FIXTURES_SETUP swift.build)
swift_test(style)
swift_test(docs)
swift_test(test swift.build ${swift_fixtures})
swift_test(tsan ${swift_fixtures})
swift_test(growth)
swift_test(example server.fastmcp4-static)
swift_test(servers server.everything)
swift_test(by-url)
foreach(job test tsan example servers)
  set_property(TEST swift.${job} APPEND PROPERTY LABELS real)
endforeach()
foreach(job tsan growth)
  set_property(TEST swift.${job} APPEND PROPERTY LABELS deep)
endforeach()

# A project that uses an installed libmcp.
if(MCP_INSTALL)
  consumer(swift)
  set_tests_properties(consumer.swift PROPERTIES FIXTURES_REQUIRED "consumer.prefix;swift.toolchain" LABELS
                                                 "consumer;swift" TIMEOUT 300 RESOURCE_LOCK swift)
endif()
