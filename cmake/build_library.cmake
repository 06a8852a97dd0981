# Run by the build (cmake -P): calls cargo, then puts what it made where the rest of the build looks for it.
# Library.cmake passes every variable.

cmake_minimum_required(VERSION 3.16)

string(REPLACE "|" ";" LINK_NAMES "${LINK_NAMES}")
string(REPLACE "|" ";" CARGO_ARGS "${CARGO_ARGS}")

set(ENV{CARGO_TARGET_DIR} "${TARGET_DIR}")
# build.rs writes the header there. It is named by cargo's directory, so that everybody who shares that one agrees.
set(ENV{MCP_HEADER_DIR} "${TARGET_DIR}/include")

# Without the rlib, which only Rust's own tests and benchmarks use: everything public would have to be kept for it, which
# makes the shared library a tenth larger and the static one three times as large.
execute_process(
  COMMAND "${CARGO}" rustc --locked --lib --crate-type cdylib,staticlib --profile ${PROFILE} ${CARGO_ARGS}
  RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "cargo could not build libmcp (see above)")
endif()

# Copied only where the content differs, so that nothing is linked again without need.
function(place from to)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${from}" "${to}" RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "cannot copy ${from} to ${to}")
  endif()
endfunction()

file(MAKE_DIRECTORY "${LIBRARY_DIR}")
place("${PROFILE_DIR}/${BUILT_NAME}" "${LIBRARY_DIR}/${FILE_NAME}")
place("${PROFILE_DIR}/libmcp.a" "${LIBRARY_DIR}/libmcp.a")
place("${TARGET_DIR}/include/mcp.h" "${HEADER_DIR}/mcp.h")
foreach(link IN LISTS LINK_NAMES)
  if(NOT EXISTS "${LIBRARY_DIR}/${link}")
    execute_process(COMMAND "${CMAKE_COMMAND}" -E create_symlink "${FILE_NAME}" "${LIBRARY_DIR}/${link}")
  endif()
endforeach()
# And beside cargo's own file, for those who link to that one.
foreach(link IN LISTS LINK_NAMES ITEMS "${FILE_NAME}")
  if(NOT link STREQUAL BUILT_NAME AND NOT EXISTS "${PROFILE_DIR}/${link}")
    execute_process(COMMAND "${CMAKE_COMMAND}" -E create_symlink "${BUILT_NAME}" "${PROFILE_DIR}/${link}")
  endif()
endforeach()

# Cargo's dependency file names one of its own products; ours names the stamp.
file(READ "${PROFILE_DIR}/libmcp.d" dependencies)
string(REGEX REPLACE "^[^\n]*: " "${STAMP_NAME}: " dependencies "${dependencies}")
string(REGEX REPLACE "\n.*$" "\n" dependencies "${dependencies}")
file(WRITE "${DEPFILE}" "${dependencies}")
execute_process(COMMAND "${CMAKE_COMMAND}" -E touch "${STAMP}")
