# Prerequisites of the tests besides the library and the test programs: downloads, toolchains, instrumented builds.
# Build the target `prepare` for the preset `test`, and `prepare-deep` for the preset `deep`; the tests download
# nothing.
#
# Downloads and builds are kept in <repo>/.cache (downloads in $LIBMCP_CACHE if that is set), so that a new build folder
# reuses them. The other files here add their prerequisites with mcp_prepare().

add_custom_target(prepare)
add_custom_target(prepare-deep)

# Cargo's target directories of the instrumented builds.
set(mcp_instrumented "${PROJECT_SOURCE_DIR}/.cache")

# mcp_prepare(NAME TARGETS COMMAND...): adds the target prepare-NAME. TARGETS lists the targets that depend on it:
# prepare, prepare-deep or both.
function(mcp_prepare name targets)
  add_custom_target(prepare-${name}
    COMMAND "${CMAKE_COMMAND}" -E env --unset=LIBMCP_PREPARED PYTHONDONTWRITEBYTECODE=1 ${ARGN}
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "Preparing ${name}"
    VERBATIM)
  foreach(target ${targets})
    add_dependencies(${target} prepare-${name})
  endforeach()
endfunction()

# Prerequisites of the style and Rust tests.
mcp_prepare(clang-format prepare ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/style/clang_format.py --prepare)
mcp_prepare(rust prepare "CARGO_TARGET_DIR=${MCP_CARGO_TARGET_DIR}" "MCP_HEADER_DIR=${MCP_CARGO_TARGET_DIR}/include"
  ${MCP_CARGO} test --no-run --locked --workspace ${MCP_CARGO_ARGS})
add_dependencies(prepare-rust mcp-library mcp-test-server mcp-library-dev) # all use cargo's target directory
