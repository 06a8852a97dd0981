# What the tests need beside the library and their programs: downloads, toolchains, instrumented builds. The build target
# `prepare` makes it for the preset `test`, `prepare-deep` for the preset `deep`; the tests themselves download nothing.
#
# Downloads and builds are kept in <repo>/.cache (downloads in $LIBMCP_CACHE where that is set), so that a new build folder
# finds them there. The files of the tests add what they need with mcp_prepare().

add_custom_target(prepare)
add_custom_target(prepare-deep)

# Cargo's target directories of the instrumented builds.
set(mcp_instrumented "${PROJECT_SOURCE_DIR}/.cache")

# mcp_prepare(NAME TARGET COMMAND...): the target prepare-NAME, part of TARGET (prepare or prepare-deep; two with a ;).
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

# The tools that other files have no place for.
mcp_prepare(clang-format prepare ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/style/clang_format.py --prepare)
mcp_prepare(rust prepare "CARGO_TARGET_DIR=${MCP_CARGO_TARGET_DIR}" "MCP_HEADER_DIR=${MCP_CARGO_TARGET_DIR}/include"
  ${MCP_CARGO} test --no-run --locked --workspace ${MCP_CARGO_ARGS})
add_dependencies(prepare-rust mcp-library mcp-test-server mcp-library-dev) # they share cargo's directory
