# Run during the build (cmake -P): calls cargo, then copies its output to where the rest of the build expects it.
# Library.cmake passes all variables.

cmake_minimum_required(VERSION 3.16)

include("${CMAKE_CURRENT_LIST_DIR}/link_shared.cmake")

string(REPLACE "|" ";" LINK_NAMES "${LINK_NAMES}")
string(REPLACE "|" ";" CARGO_ARGS "${CARGO_ARGS}")
string(REPLACE "|" ";" SYSTEM_LIBRARIES "${SYSTEM_LIBRARIES}")

set(ENV{CARGO_TARGET_DIR} "${TARGET_DIR}")
# build.rs writes the header there. The path depends only on cargo's target directory: cargo would run build.rs again
# if builds that share the target directory set different values.
set(ENV{MCP_HEADER_DIR} "${TARGET_DIR}/include")

# Inlining only small functions makes the shared library about 8 % smaller, and a ping takes 4 % more instructions.
# LLVM's limit is 225; for functions that are marked with #[inline] it stays 325. With fat link-time optimization the
# limit applies to all packages.
set(RUSTC_ARGS)
if(PROFILE STREQUAL "release")
  set(RUSTC_ARGS -- -C llvm-args=-inline-threshold=50)
endif()

# No rlib, which only Rust tests and benchmarks use: it keeps every public item, which makes the shared library 10 %
# larger and the static library three times as large.
execute_process(
  COMMAND "${CARGO}" rustc --locked --lib --crate-type cdylib,staticlib --profile ${PROFILE} ${CARGO_ARGS} ${RUSTC_ARGS}
  RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "cargo could not build libmcp (see above)")
endif()

# Copies a file only if its content differs, to avoid needless relinking.
function(copy_if_changed from to)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${from}" "${to}" RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "cannot copy ${from} to ${to}")
  endif()
endfunction()

file(MAKE_DIRECTORY "${LIBRARY_DIR}")
copy_if_changed("${PROFILE_DIR}/libmcp.a" "${LIBRARY_DIR}/libmcp.a")
if(VERSION_SCRIPT)
  set(STATIC_LIBRARY "${LIBRARY_DIR}/libmcp.a")
  string(COMPARE EQUAL "${PROFILE}" release STRIP)
  link_shared("${LIBRARY_DIR}/libmcp.new")
  copy_if_changed("${LIBRARY_DIR}/libmcp.new" "${LIBRARY_DIR}/${FILE_NAME}")
  file(REMOVE "${LIBRARY_DIR}/libmcp.new")
else()
  copy_if_changed("${PROFILE_DIR}/${BUILT_NAME}" "${LIBRARY_DIR}/${FILE_NAME}")
endif()
copy_if_changed("${TARGET_DIR}/include/mcp.h" "${HEADER_DIR}/mcp.h")
foreach(link IN LISTS LINK_NAMES)
  if(NOT EXISTS "${LIBRARY_DIR}/${link}")
    execute_process(COMMAND "${CMAKE_COMMAND}" -E create_symlink "${FILE_NAME}" "${LIBRARY_DIR}/${link}")
  endif()
endforeach()
# The same links in cargo's output directory, for programs that link to the library there.
foreach(link IN LISTS LINK_NAMES ITEMS "${FILE_NAME}")
  if(NOT link STREQUAL BUILT_NAME AND NOT EXISTS "${PROFILE_DIR}/${link}")
    execute_process(COMMAND "${CMAKE_COMMAND}" -E create_symlink "${BUILT_NAME}" "${PROFILE_DIR}/${link}")
  endif()
endforeach()

# The target in cargo's dependency file is one of its output files: replace it with the stamp.
file(READ "${PROFILE_DIR}/libmcp.d" dependencies)
string(REGEX REPLACE "^[^\n]*: " "${STAMP_NAME}: " dependencies "${dependencies}")
string(REGEX REPLACE "\n.*$" "\n" dependencies "${dependencies}")
file(WRITE "${DEPFILE}" "${dependencies}")
execute_process(COMMAND "${CMAKE_COMMAND}" -E touch "${STAMP}")
