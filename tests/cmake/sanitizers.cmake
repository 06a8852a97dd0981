# The library and the programs of tests/c and tests/cpp with the address, leak and undefined behavior sanitizers, and
# with the thread sanitizer. Both Rust and C code is instrumented; see sanitizers/README.md.
#
# Needs MCP_CARGO, MCP_CARGO_ARGS, MCP_TEST_SERVER, Python3_EXECUTABLE, mcp_test_environment, random_interrupts_sources,
# and the programs that cpp.cmake compiles with both sanitizers.

set(sanitize ${CMAKE_CURRENT_SOURCE_DIR}/sanitizers)
set(sanitize_state ${CMAKE_CURRENT_BINARY_DIR}/sanitizers)
set(sanitize_address -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all)
set(sanitize_thread -g -O1 -fsanitize=thread)
set(sanitize_address_environment ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1)
set(sanitize_thread_environment TSAN_OPTIONS=suppressions=${sanitize}/tsan.supp)

# The thread sanitizer runs in the preset deep only.
set(sanitize_address_target prepare)
set(sanitize_thread_target prepare-deep)
set(sanitize_address_labels sanitize)
set(sanitize_thread_labels "sanitize;deep")

# --- The library ------------------------------------------------------------------------------------------------------

set(sanitize_cargo_args ${MCP_CARGO_ARGS})
list(TRANSFORM sanitize_cargo_args PREPEND --cargo-arg=)
foreach(sanitizer address thread)
  set(command ${Python3_EXECUTABLE} ${sanitize}/library.py ${sanitizer} --out ${sanitize_state}/${sanitizer} --target
              ${mcp_instrumented}/cargo-${sanitizer} --cargo ${MCP_CARGO} ${sanitize_cargo_args})
  mcp_prepare(sanitize-${sanitizer} ${sanitize_${sanitizer}_target} ${command})
  # prepare-sanitize-* has built the library already: cargo builds here only if a source has changed since.
  add_test(NAME sanitize.build.${sanitizer} COMMAND ${command})
  set_tests_properties(sanitize.build.${sanitizer} PROPERTIES FIXTURES_SETUP sanitize.${sanitizer} LABELS sanitize
                                                              TIMEOUT 900)
endforeach()

# --- Programs ---------------------------------------------------------------------------------------------------------

foreach(sanitizer address thread)
  add_library(sanitize-${sanitizer} STATIC c/check.c c/support.c)
  target_link_libraries(sanitize-${sanitizer} PUBLIC mcp::mcp Threads::Threads)
  target_include_directories(sanitize-${sanitizer} PUBLIC c)
  target_compile_options(sanitize-${sanitizer} PUBLIC ${sanitize_${sanitizer}})
  target_link_options(sanitize-${sanitizer} PUBLIC ${sanitize_${sanitizer}})
  set_target_properties(sanitize-${sanitizer} PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
endforeach()

# sanitize_run(SANITIZER NAME COMMAND...): the test sanitize.SANITIZER.NAME, with the scripted server and the
# instrumented library.
function(sanitize_run sanitizer name)
  set(test sanitize.${sanitizer}.${name})
  add_test(NAME ${test} COMMAND ${MCP_TEST_SERVER} --run ${ARGN})
  set(environment ${mcp_test_environment} LD_LIBRARY_PATH=${sanitize_state}/${sanitizer}
                  ${sanitize_${sanitizer}_environment})
  set_tests_properties(
    ${test} PROPERTIES FIXTURES_REQUIRED sanitize.${sanitizer} LABELS "${sanitize_${sanitizer}_labels}" TIMEOUT 300
                       ENVIRONMENT "${environment}")
endfunction()

# sanitize_c(SANITIZER NAME [ARGUMENT...]): the test sanitize.SANITIZER.NAME, which runs c/NAME.c.
function(sanitize_c sanitizer name)
  set(sources c/${name}.c)
  if(name STREQUAL "random_interrupts")
    set(sources ${random_interrupts_sources})
  endif()
  mcp_c_program(sanitize-${sanitizer}-${name} "${sources}" sanitize-${sanitizer})
  sanitize_run(${sanitizer} ${name} $<TARGET_FILE:sanitize-${sanitizer}-${name}> ${ARGN})
endfunction()

foreach(name null null_operations text json writer copies error eras names fds trace auth oauth_setters misuse_oauth
        misuse_oauth_life threads fork host_process tls redirects timeouts cancel close lookup sigpipe queue
        random_queue)
  sanitize_c(address ${name})
endforeach()
sanitize_c(address statuses --brief)
# The instrumented library is slower: operations that normally take 50 ms can take seconds.
sanitize_c(address random_interrupts --rounds 1000 --bound 5000)

foreach(name threads cancel close auth misuse_oauth misuse_oauth_life eras random_queue)
  sanitize_c(thread ${name})
endforeach()
sanitize_c(thread queue --few-calls)
sanitize_c(thread random_interrupts --rounds 600 --bound 8000)

foreach(name json json_writer errors settings calls callbacks threads)
  sanitize_run(address cpp.${name} $<TARGET_FILE:cpp-asan-${name}>)
endforeach()
sanitize_run(thread cpp.threads $<TARGET_FILE:cpp-tsan-threads>)

# Handlers run on threads of the library: only with the instrumented one does the sanitizer see how they are ordered.
if(TARGET cpp-tsan-protocol)
  set_tests_properties(
    cpp.tsan.protocol cpp.tsan.queue cpp.tsan.coroutine cpp.tsan.oauth_login
    PROPERTIES FIXTURES_REQUIRED sanitize.thread
               ENVIRONMENT "${mcp_test_environment};LD_LIBRARY_PATH=${sanitize_state}/thread;${sanitize_thread_environment}")
endif()

# --- Controls: deliberate bugs that must be reported ------------------------------------------------------------------

# sanitize_control(SANITIZER BUG REPORT): REPORT is a regular expression that the sanitizer's report must match.
function(sanitize_control sanitizer bug report)
  sanitize_run(${sanitizer} control.${bug} $<TARGET_FILE:sanitize-${sanitizer}-control> ${bug})
  set_tests_properties(sanitize.${sanitizer}.control.${bug} PROPERTIES PASS_REGULAR_EXPRESSION "${report}")
endfunction()

foreach(sanitizer address thread)
  mcp_c_program(sanitize-${sanitizer}-control sanitizers/control.c sanitize-${sanitizer})
endforeach()
sanitize_control(address use-after-free "heap-use-after-free[^#]*#0 [^\n]*mcp_options_set_timeout[^\n]*libmcp\\.so")
sanitize_control(address library-leak "detected memory leaks.*libmcp\\.so")
sanitize_control(address leak "detected memory leaks.*control\\.c")
sanitize_control(address overflow "signed integer overflow")
sanitize_control(thread race "data race.*control\\.c")
sanitize_control(thread library-race "data race[^#]*#0 [^\n]*mcp_options_set_timeout[^\n]*libmcp\\.so")

# --- Malicious servers ------------------------------------------------------------------------------------------------

# The quick tests of hostile.cmake. Without packed and inconsistent_responses, which measure memory: the
# sanitizer keeps freed memory for a while. Without stdio_faults, which measures the time for 4 MB: the stress test in C
# also runs stdio servers.
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libasan.so OUTPUT_VARIABLE sanitize_runtime
                OUTPUT_STRIP_TRAILING_WHITESPACE)

# sanitize_python(NAME PROGRAM): the test sanitize.address.NAME, which runs the Python program with the instrumented
# library.
function(sanitize_python name program)
  add_test(NAME sanitize.address.${name}
           COMMAND ${Python3_EXECUTABLE} ${sanitize}/preloaded.py ${sanitize_runtime} ${program}
                   ${sanitize_state}/address/libmcp.so)
  set_tests_properties(
    sanitize.address.${name} PROPERTIES FIXTURES_REQUIRED sanitize.address LABELS sanitize TIMEOUT 300
                                        ENVIRONMENT "${mcp_test_environment};PYTHONDONTWRITEBYTECODE=1")
endfunction()

foreach(subject answers authorise caching callbacks causes channel config cookies endless eras executed files
        forks gateways keep_alive kept listening messages noise questions redaction refusals resumption retry_after
        sharing stops tasks text transfer trust unix url_secrets)
  sanitize_python(hostile.${subject} ${CMAKE_CURRENT_SOURCE_DIR}/hostile/${subject}.py)
endforeach()
# Those of oauth_scripted.cmake in which the library runs callbacks and threads.
foreach(subject disclosure listener login_time login_traps mixed_up races stops token_faults token_traps transports)
  sanitize_python(oauth.${subject} ${CMAKE_CURRENT_SOURCE_DIR}/oauth/scripted/${subject}.py)
endforeach()
sanitize_python(control.python-leak ${sanitize}/leak.py)
set_tests_properties(sanitize.address.control.python-leak PROPERTIES PASS_REGULAR_EXPRESSION "leaked in 10 allocation")
