# Links a shared library with symbol versions from the static library: link_shared(FILE), for these variables:
#
#   COMPILER          the C compiler, which calls the linker
#   STATIC_LIBRARY    libmcp.a
#   SONAME            the SONAME
#   VERSION_SCRIPT    the version script
#   SYSTEM_LIBRARIES  the libraries that it needs, a list
#   STRIP             whether to leave out symbols and debug information
#
# The static library has passed all optimizations, so the code is the same as in the library that cargo links. Its parts
# that no exported function needs are left out. The test abi.versions runs this file as a script, with FILE.

cmake_minimum_required(VERSION 3.16)

function(link_shared file)
  set(flags)
  if(STRIP)
    set(flags -Wl,--strip-all)
  endif()
  list(TRANSFORM SYSTEM_LIBRARIES PREPEND -l OUTPUT_VARIABLE libraries)
  execute_process(
    COMMAND "${COMPILER}" -shared -o "${file}" "-Wl,-soname,${SONAME}" "-Wl,--version-script=${VERSION_SCRIPT}"
            -Wl,--whole-archive "${STATIC_LIBRARY}" -Wl,--no-whole-archive
            -Wl,--gc-sections -Wl,--as-needed -Wl,-O1 -Wl,-z,relro -Wl,-z,now ${flags} ${libraries}
    RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "cannot link ${file} with symbol versions (see above); -DMCP_SYMBOL_VERSIONS=OFF omits them")
  endif()
endfunction()

if(DEFINED FILE)
  string(REPLACE "|" ";" SYSTEM_LIBRARIES "${SYSTEM_LIBRARIES}")
  link_shared("${FILE}")
endif()
