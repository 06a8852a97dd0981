# mcp.hpp: C++ programs on one subject each, with and without sanitizers, against the scripted server and real ones.
#
# Needs mcp-check, MCP_HEADER_DIR, MCP_TEST_SERVER, Python3_EXECUTABLE, mcp_test_environment, and the definitions of
# real_servers.cmake and consumers.cmake.

if("$CACHE{CMAKE_CXX_COMPILER}" MATCHES "^$|NOTFOUND$")
  add_test(NAME cpp.compiler COMMAND c++ --version) # fails with a message that names the missing compiler
  set_tests_properties(cpp.compiler PROPERTIES LABELS cpp)
  return()
endif()
enable_language(CXX)

set(cpp ${CMAKE_CURRENT_SOURCE_DIR}/cpp)
set(cpp_address -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all)
set(cpp_thread -g -O1 -fsanitize=thread)
set(cpp_silent -fno-exceptions -fno-rtti)

# cpp_program(NAME SOURCE STANDARD [OPTION...]): the options go to both the compiler and the linker.
function(cpp_program name source standard)
  add_executable(${name} ${cpp}/${source}.cpp)
  target_link_libraries(${name} PRIVATE mcp-check)
  set_target_properties(${name} PROPERTIES CXX_STANDARD ${standard} CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_options(${name} PRIVATE -Wall -Wextra -pedantic -Wconversion -Wshadow ${ARGN})
  target_link_options(${name} PRIVATE ${ARGN})
endfunction()

# cpp_run(TEST PROGRAM [ARGUMENT...]): adds a test that runs the program with the scripted server.
function(cpp_run test program)
  add_test(NAME ${test} COMMAND ${MCP_TEST_SERVER} --run $<TARGET_FILE:${program}> ${ARGN})
  set_tests_properties(${test} PROPERTIES LABELS cpp TIMEOUT 300 ENVIRONMENT "${mcp_test_environment}")
endfunction()

# cpp_test(NAME SOURCE STANDARD [OPTION...]): the tests cpp.NAME, and cpp.asan.NAME with the address, leak and undefined
# behavior sanitizers.
function(cpp_test name source standard)
  cpp_program(cpp-${name} ${source} ${standard} ${ARGN})
  cpp_run(cpp.${name} cpp-${name})
  cpp_program(cpp-asan-${name} ${source} ${standard} ${ARGN} ${cpp_address})
  cpp_run(cpp.asan.${name} cpp-asan-${name})
endfunction()

foreach(name json json_writer errors settings calls callbacks threads oauth_settings oauth_login oauth_unattended)
  cpp_test(${name} ${name} 17)
endforeach()
set(cpp_schema_server
    "-DPYTHON=\"${Python3_EXECUTABLE}\"" "-DSCHEMA_SERVER=\"${CMAKE_CURRENT_SOURCE_DIR}/schema/server.py\"")
cpp_test(protocol protocol 17 ${cpp_schema_server})
cpp_test(queue queue 17 ${cpp_schema_server})
cpp_test(coroutine coroutine 20 ${cpp_schema_server})
cpp_test(callback_exit callback_exit 17)
cpp_test(cxx20 modern 20)
cpp_test(cxx23 modern 23)
cpp_test(silent silent 17 ${cpp_silent})

# mcp_nlohmann.hpp: if nlohmann/json.hpp is not installed, the test fails with a message that names it.
find_path(MCP_NLOHMANN_INCLUDE nlohmann/json.hpp)
if(MCP_NLOHMANN_INCLUDE)
  cpp_test(nlohmann nlohmann 17 ${cpp_schema_server})
else()
  add_test(NAME cpp.nlohmann COMMAND ${CMAKE_COMMAND} -E cat nlohmann/json.hpp)
  set_tests_properties(cpp.nlohmann PROPERTIES LABELS cpp)
endif()

cpp_program(cpp-growth growth 17)
cpp_run(cpp.growth cpp-growth)
set_tests_properties(cpp.growth PROPERTIES LABELS "cpp;deep" TIMEOUT 300)

# One program from object files of every standard. With -O0 nothing is inlined: inlining would hide that the linker
# merges inline functions that differ between the standards.
cpp_program(cpp-mixed mixed 17)
foreach(setting 17 17_silent 20 23 23_silent)
  string(REGEX MATCH "^[0-9]+" standard ${setting})
  add_library(cpp-whole-${setting} OBJECT ${cpp}/whole.cpp)
  target_link_libraries(cpp-whole-${setting} PRIVATE mcp::mcp)
  set_target_properties(cpp-whole-${setting} PROPERTIES CXX_STANDARD ${standard} CXX_STANDARD_REQUIRED ON)
  target_compile_definitions(cpp-whole-${setting} PRIVATE WHOLE=whole_${setting})
  target_compile_options(cpp-whole-${setting} PRIVATE -O0)
  if(setting MATCHES "silent")
    target_compile_options(cpp-whole-${setting} PRIVATE ${cpp_silent})
  endif()
  target_sources(cpp-mixed PRIVATE $<TARGET_OBJECTS:cpp-whole-${setting}>)
endforeach()
cpp_run(cpp.mixed cpp-mixed)

foreach(standard 17 20 23)
  add_test(NAME cpp.dialects.${standard} COMMAND ${Python3_EXECUTABLE} ${cpp}/dialects.py --standard ${standard}
                                                 --include ${MCP_HEADER_DIR} --cxx ${CMAKE_CXX_COMPILER})
  set_tests_properties(cpp.dialects.${standard} PROPERTIES LABELS cpp TIMEOUT 900 COST 100)
endforeach()

# --- The thread sanitizer ---------------------------------------------------------------------------------------------

set(cpp_thread_environment "${mcp_test_environment};TSAN_OPTIONS=suppressions='${cpp}/tsan.supp'")
cpp_program(cpp-tsan-threads threads 17 ${cpp_thread})
cpp_run(cpp.tsan cpp-tsan-threads)
cpp_program(cpp-tsan-protocol protocol 17 ${cpp_thread} ${cpp_schema_server})
cpp_run(cpp.tsan.protocol cpp-tsan-protocol)
foreach(name queue coroutine)
  cpp_program(cpp-tsan-${name} ${name} 20 ${cpp_thread} ${cpp_schema_server})
  cpp_run(cpp.tsan.${name} cpp-tsan-${name})
endforeach()
cpp_program(cpp-tsan-oauth_login oauth_login 17 ${cpp_thread})
cpp_run(cpp.tsan.oauth_login cpp-tsan-oauth_login)
# Control: a deliberate race in a callback must be reported.
cpp_run(cpp.tsan.race cpp-tsan-threads --race)
set_tests_properties(cpp.tsan cpp.tsan.protocol cpp.tsan.queue cpp.tsan.coroutine cpp.tsan.oauth_login cpp.tsan.race
                     PROPERTIES LABELS "cpp;deep" ENVIRONMENT "${cpp_thread_environment}")
set_tests_properties(cpp.tsan.race PROPERTIES PASS_REGULAR_EXPRESSION "ThreadSanitizer: data race.*threads\\.cpp")

# --- Real servers -----------------------------------------------------------------------------------------------------

cpp_program(cpp-real real 17)
cpp_program(cpp-asan-real real 17 ${cpp_address})
foreach(server fastmcp4-static fastmcp4-apikey fastmcp4-sse fastmcp3-static everything everything-sse)
  real_test(cpp.real.${server} ${server} "cpp;real" cpp-real ${server} ${real_state}/${server}.json)
  real_test(cpp.asan.real.${server} ${server} "cpp;real" cpp-asan-real ${server} ${real_state}/${server}.json)
endforeach()
foreach(server fastmcp4-static fastmcp3-static everything everything-sse)
  real_test(cpp.real.queue.${server} ${server} "cpp;real" cpp-coroutine ${server} ${real_state}/${server}.json)
  real_test(cpp.asan.real.queue.${server} ${server} "cpp;real" cpp-asan-coroutine ${server}
            ${real_state}/${server}.json)
endforeach()
foreach(server fastmcp4-static fastmcp4-sse)
  real_test(cpp.tsan.${server} ${server} "cpp;real;deep" cpp-tsan-threads ${real_state}/${server}.json)
  set_tests_properties(cpp.tsan.${server} PROPERTIES ENVIRONMENT "${cpp_thread_environment}")
endforeach()

# cpp_example(NAME STANDARD): the program NAME-cpp.
function(cpp_example name standard)
  add_executable(${name}-cpp ${PROJECT_SOURCE_DIR}/examples/${name}.cpp)
  target_link_libraries(${name}-cpp PRIVATE mcp::mcp)
  set_target_properties(${name}-cpp PROPERTIES CXX_STANDARD ${standard} CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_options(${name}-cpp PRIVATE -Wall -Wextra -pedantic)
endfunction()

# The C++ program in the README.
cpp_example(alive 17)
real_test(cpp.example fastmcp4-static "cpp;real" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/examples/alive.py
          ${real_state}/fastmcp4-static.json $<TARGET_FILE:alive-cpp>)

# The example with coroutines.
cpp_example(coroutine 20)
real_test(cpp.example.coroutine everything "cpp;real" ${Python3_EXECUTABLE}
          ${CMAKE_CURRENT_SOURCE_DIR}/examples/coroutine.py ${real_state}/everything.json $<TARGET_FILE:coroutine-cpp>)

# The example with several servers.
cpp_example(servers 17)
real_test(cpp.example.servers everything "cpp;real" ${Python3_EXECUTABLE}
          ${CMAKE_CURRENT_SOURCE_DIR}/examples/servers.py $<TARGET_FILE:servers-cpp> ${real_state}/everything.json)

if(TEST consumer.find-package-cpp)
  set_property(TEST consumer.find-package-cpp APPEND PROPERTY LABELS cpp)
endif()
