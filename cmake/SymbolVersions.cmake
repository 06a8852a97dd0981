# Finds out whether the symbols of the shared library can have a version, such as LIBMCP_0.1. A program that was linked
# with them refuses another version of the library, even if its file has the same name.
#
# rustc passes a version script without versions to the linker, and a linker accepts only one. So build_library.cmake
# links the shared library from the static one, with another script.
#
# Needs mcp_abi. Sets MCP_SYMBOL_VERSIONS, and mcp_version_script: the script, or nothing.

set(mcp_version_script "${CMAKE_CURRENT_BINARY_DIR}/libmcp.map")
configure_file(cmake/libmcp.map.in "${mcp_version_script}" @ONLY)

if(NOT DEFINED MCP_SYMBOL_VERSIONS)
  set(mcp_check "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/mcp-symbol-versions")
  file(WRITE "${mcp_check}/check.c" "int mcp_check(void) { return 0; }\n")
  execute_process(
    COMMAND "${CMAKE_C_COMPILER}" -shared -fPIC check.c -o libcheck.so "-Wl,--version-script=${mcp_version_script}"
            -Wl,--whole-archive -Wl,--no-whole-archive -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now
    WORKING_DIRECTORY "${mcp_check}" RESULT_VARIABLE mcp_code OUTPUT_QUIET ERROR_QUIET)
  if(mcp_code EQUAL 0)
    set(mcp_symbol_versions ON)
  else()
    set(mcp_symbol_versions OFF)
  endif()
  set(MCP_SYMBOL_VERSIONS ${mcp_symbol_versions} CACHE BOOL "Give the symbols of the shared library a version")
endif()

if(MCP_SYMBOL_VERSIONS)
  message(STATUS "libmcp: the symbols of the shared library have the version LIBMCP_${mcp_abi}")
else()
  message(STATUS "libmcp: the symbols of the shared library have no version (the linker supports no version scripts, "
                 "or MCP_SYMBOL_VERSIONS is off)")
  set(mcp_version_script)
endif()
