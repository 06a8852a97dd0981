# The fuzz targets of fuzz/: a replay of their seeds, ten seconds of fuzzing for each, and long runs (the preset soak).
#
# Needs MCP_CARGO, MCP_CARGO_ARGS, Python3_EXECUTABLE and mcp_prepare. The fuzzers have a separate target directory:
# nearly everything in it is instrumented.

set(fuzz_source ${PROJECT_SOURCE_DIR}/fuzz)
set(fuzz_state ${CMAKE_CURRENT_BINARY_DIR}/fuzz)
file(MAKE_DIRECTORY ${fuzz_state})

# fuzz/run.py builds the targets and runs them with the right options for libFuzzer.
set(fuzz_run ${Python3_EXECUTABLE} ${fuzz_source}/run.py --state ${fuzz_state} --cargo ${MCP_CARGO}
    --cargo-target ${mcp_instrumented}/cargo-fuzz)
foreach(argument ${MCP_CARGO_ARGS})
  list(APPEND fuzz_run --cargo-argument=${argument})
endforeach()

mcp_prepare(fuzz "prepare;prepare-deep" ${fuzz_run} --build)
# The target prepare-fuzz has built them already: cargo builds here only if a source has changed since.
add_test(NAME fuzz.build COMMAND ${fuzz_run} --build)
set_tests_properties(fuzz.build PROPERTIES FIXTURES_SETUP fuzz LABELS fuzz TIMEOUT 900)

# Each target is fuzz/fuzz_targets/NAME.rs, with the seeds in fuzz/seeds/NAME. An input that crashes is stored in the
# state folder.
foreach(name addresses answer_headers client config event_stream header_encoding headers json_rpc json_value json_writer
             oauth_callback oauth_challenge oauth_documents oauth_flow oauth_form oauth_record oauth_urls proxy_answers
             stdio_lines www_authenticate)
  add_test(NAME fuzz.replay.${name} COMMAND ${fuzz_run} --replay ${name})
  set_tests_properties(fuzz.replay.${name} PROPERTIES FIXTURES_REQUIRED fuzz LABELS fuzz TIMEOUT 120)
  add_test(NAME fuzz.${name} COMMAND ${fuzz_run} --seconds 10 ${name})
  set_tests_properties(fuzz.${name} PROPERTIES FIXTURES_REQUIRED fuzz LABELS "fuzz;deep" TIMEOUT 120)
endforeach()

# Runs all targets one after the other, each for MCP_SOAK_SECONDS, from the corpus of earlier soak runs, and prints a
# table at the end. Only with `ctest -C soak`.
set(MCP_SOAK_SECONDS 600 CACHE STRING "How long the soak runs each fuzz target, in seconds")
add_test(NAME soak.fuzz COMMAND ${fuzz_run} --build --seconds ${MCP_SOAK_SECONDS} --keep CONFIGURATIONS soak)
set_tests_properties(soak.fuzz PROPERTIES LABELS soak TIMEOUT 86400 RUN_SERIAL ON)
