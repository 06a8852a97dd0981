# Builds the library with cargo and describes it as mcp::mcp and mcp::static.
#
# Sets for the rest of the build:
#   MCP_CARGO               cargo
#   MCP_CARGO_TARGET_DIR    cargo's target directory; by default inside the build directory
#   MCP_CARGO_PROFILE       dev or release
#   MCP_CARGO_PROFILE_DIR   cargo's output directory for that profile
#   MCP_LIBRARY_DIR         the directory with libmcp.so.X.Y.Z, its links, and libmcp.a
#   MCP_HEADER_DIR          the directory with mcp.h of this build

find_program(MCP_CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
if(NOT MCP_CARGO)
  message(FATAL_ERROR "libmcp is written in Rust: install cargo (rustup or your distribution has it), or set MCP_CARGO")
endif()

set(MCP_CARGO_TARGET_DIR "${CMAKE_CURRENT_BINARY_DIR}/cargo" CACHE PATH "cargo's target directory")
mark_as_advanced(MCP_CARGO MCP_CARGO_TARGET_DIR)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(MCP_CARGO_PROFILE dev)
  set(MCP_CARGO_PROFILE_DIR "${MCP_CARGO_TARGET_DIR}/debug")
else()
  set(MCP_CARGO_PROFILE release)
  set(MCP_CARGO_PROFILE_DIR "${MCP_CARGO_TARGET_DIR}/release")
endif()
set(MCP_LIBRARY_DIR "${CMAKE_CURRENT_BINARY_DIR}/lib")
set(MCP_HEADER_DIR "${CMAKE_CURRENT_BINARY_DIR}/include")

# The library file and its symbolic links. The loader looks for the SONAME, so the build directory needs the links too.
if(APPLE)
  set(mcp_built_name libmcp.dylib)
  set(mcp_file_name libmcp.${PROJECT_VERSION}.dylib)
  set(mcp_link_names libmcp.${mcp_abi}.dylib libmcp.dylib)
  set(mcp_system_libraries "-framework CoreFoundation" "-framework Security" iconv)
else()
  set(mcp_built_name libmcp.so)
  set(mcp_file_name libmcp.so.${PROJECT_VERSION})
  set(mcp_link_names libmcp.so.${mcp_abi} libmcp.so)
  # The output of `rustc --print native-static-libs`. The test abi.static links with exactly these.
  set(mcp_system_libraries gcc_s util rt pthread m dl c)
endif()
list(GET mcp_link_names 0 mcp_soname)

set(mcp_depfile "${CMAKE_CURRENT_BINARY_DIR}/libmcp.d")
set(mcp_stamp "${CMAKE_CURRENT_BINARY_DIR}/libmcp.stamp")
set(mcp_artifacts "${MCP_LIBRARY_DIR}/${mcp_file_name}" "${MCP_LIBRARY_DIR}/libmcp.a" "${MCP_HEADER_DIR}/mcp.h")
foreach(link IN LISTS mcp_link_names)
  list(APPEND mcp_artifacts "${MCP_LIBRARY_DIR}/${link}")
endforeach()

# The dependency file names the stamp by a relative path: relative to the current binary directory where CMake converts
# such paths (CMP0116), otherwise to the top-level binary directory.
if(POLICY CMP0116)
  file(RELATIVE_PATH mcp_stamp_name "${CMAKE_CURRENT_BINARY_DIR}" "${mcp_stamp}")
else()
  file(RELATIVE_PATH mcp_stamp_name "${CMAKE_BINARY_DIR}" "${mcp_stamp}")
endif()

# These lists become single arguments, separated by `|`; build_library.cmake splits them again.
string(REPLACE ";" "|" mcp_link_names_argument "${mcp_link_names}")
string(REPLACE ";" "|" mcp_cargo_args_argument "${MCP_CARGO_ARGS}")
string(REPLACE ";" "|" mcp_system_libraries_argument "${mcp_system_libraries}")
set(mcp_build_command
  "${CMAKE_COMMAND}"
  "-DCARGO=${MCP_CARGO}"
  "-DCARGO_ARGS=${mcp_cargo_args_argument}"
  "-DPROFILE=${MCP_CARGO_PROFILE}"
  "-DTARGET_DIR=${MCP_CARGO_TARGET_DIR}"
  "-DPROFILE_DIR=${MCP_CARGO_PROFILE_DIR}"
  "-DHEADER_DIR=${MCP_HEADER_DIR}"
  "-DLIBRARY_DIR=${MCP_LIBRARY_DIR}"
  "-DBUILT_NAME=${mcp_built_name}"
  "-DFILE_NAME=${mcp_file_name}"
  "-DLINK_NAMES=${mcp_link_names_argument}"
  "-DCOMPILER=${CMAKE_C_COMPILER}"
  "-DSONAME=${mcp_soname}"
  "-DVERSION_SCRIPT=${mcp_version_script}"
  "-DSYSTEM_LIBRARIES=${mcp_system_libraries_argument}"
  "-DDEPFILE=${mcp_depfile}"
  "-DSTAMP=${mcp_stamp}"
  "-DSTAMP_NAME=${mcp_stamp_name}"
  -P "${CMAKE_CURRENT_LIST_DIR}/build_library.cmake")

if(CMAKE_GENERATOR MATCHES "Ninja" OR (CMAKE_GENERATOR MATCHES "Makefiles" AND NOT CMAKE_VERSION VERSION_LESS 3.20))
  add_custom_command(
    OUTPUT "${mcp_stamp}"
    BYPRODUCTS ${mcp_artifacts}
    COMMAND ${mcp_build_command}
    DEPENDS "${PROJECT_SOURCE_DIR}/Cargo.toml" "${PROJECT_SOURCE_DIR}/Cargo.lock" "${PROJECT_SOURCE_DIR}/build.rs"
            "${CMAKE_CURRENT_LIST_DIR}/build_library.cmake" "${CMAKE_CURRENT_LIST_DIR}/link_shared.cmake"
            ${mcp_version_script}
    DEPFILE "${mcp_depfile}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "Building libmcp with cargo (${MCP_CARGO_PROFILE})"
    USES_TERMINAL VERBATIM)
  add_custom_target(mcp-library ALL DEPENDS "${mcp_stamp}")
else()
  # This generator does not support DEPFILE: run cargo in every build. It is quick when nothing has changed.
  add_custom_target(mcp-library ALL
    COMMAND ${mcp_build_command}
    BYPRODUCTS ${mcp_artifacts}
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "Building libmcp with cargo (${MCP_CARGO_PROFILE})"
    USES_TERMINAL VERBATIM)
endif()

file(MAKE_DIRECTORY "${MCP_HEADER_DIR}") # CMake requires that include directories of imported targets exist

add_library(mcp::mcp SHARED IMPORTED GLOBAL)
set_target_properties(mcp::mcp PROPERTIES
  IMPORTED_LOCATION "${MCP_LIBRARY_DIR}/${mcp_file_name}"
  IMPORTED_SONAME "${mcp_soname}"
  INTERFACE_INCLUDE_DIRECTORIES "${MCP_HEADER_DIR}")
add_dependencies(mcp::mcp mcp-library)

add_library(mcp::static STATIC IMPORTED GLOBAL)
set_target_properties(mcp::static PROPERTIES
  IMPORTED_LOCATION "${MCP_LIBRARY_DIR}/libmcp.a"
  INTERFACE_INCLUDE_DIRECTORIES "${MCP_HEADER_DIR}"
  INTERFACE_LINK_LIBRARIES "${mcp_system_libraries}")
add_dependencies(mcp::static mcp-library)

# The C++ headers are copied, because the include path must not contain include/ of the source tree: the committed mcp.h
# there would be found before the generated one.
set(mcp_cpp_headers)
foreach(header mcp.hpp mcp_queue.hpp mcp_nlohmann.hpp)
  if(EXISTS "${PROJECT_SOURCE_DIR}/include/${header}")
    configure_file("${PROJECT_SOURCE_DIR}/include/${header}" "${MCP_HEADER_DIR}/${header}" COPYONLY)
    list(APPEND mcp_cpp_headers "${PROJECT_SOURCE_DIR}/include/${header}")
  endif()
endforeach()
