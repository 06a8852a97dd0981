# The fuzz targets of fuzz/, five seconds each: the seeds, and what libFuzzer makes of them.
#
# Needs MCP_CARGO and MCP_CARGO_ARGS. The fuzzers have a target directory of their own: nearly everything in it is instrumented.

set(fuzz_source ${PROJECT_SOURCE_DIR}/fuzz)
set(fuzz_state ${CMAKE_CURRENT_BINARY_DIR}/fuzz)
file(MAKE_DIRECTORY ${fuzz_state})
# The flags come from fuzz/.cargo/config.toml, and do not count where the environment has some.
set(fuzz_cargo ${CMAKE_COMMAND} -E env --unset=RUSTFLAGS --unset=CARGO_ENCODED_RUSTFLAGS --unset=CARGO_BUILD_TARGET
               CARGO_TARGET_DIR=${fuzz_state}/cargo ${MCP_CARGO})

add_test(NAME fuzz.build COMMAND ${fuzz_cargo} build --locked --release --bins ${MCP_CARGO_ARGS}
         WORKING_DIRECTORY ${fuzz_source})
# A minute when nothing is there yet: the others run beside it.
set_tests_properties(fuzz.build PROPERTIES FIXTURES_SETUP fuzz LABELS fuzz TIMEOUT 900 COST 150)

# fuzz_target(NAME): fuzz/fuzz_targets/NAME.rs, from the seeds in fuzz/seeds/NAME; a crash leaves its input in the state folder.
function(fuzz_target name)
  file(GLOB seeds CONFIGURE_DEPENDS ${fuzz_source}/seeds/${name}/*)
  string(REPLACE ";" "," seeds "${seeds}")
  # The seeds are named one by one: into a folder of them, libFuzzer would write.
  add_test(
    NAME fuzz.${name}
    COMMAND ${fuzz_cargo} run --locked --release --quiet --bin ${name} ${MCP_CARGO_ARGS} -- -max_total_time=5 -timeout=5
            -artifact_prefix=${fuzz_state}/${name}- -seed_inputs=${seeds}
    WORKING_DIRECTORY ${fuzz_source})
  set_tests_properties(fuzz.${name} PROPERTIES FIXTURES_REQUIRED fuzz LABELS fuzz TIMEOUT 120)
endfunction()

fuzz_target(event_stream)
fuzz_target(json_rpc)
fuzz_target(headers)
