# The files that `cmake --install` installs. All paths in them are relative, so the installed tree can be moved.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(mcp_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/mcp")

# Symbolic links are installed as links, not as copies.
set(mcp_installed_links)
foreach(link IN LISTS mcp_link_names)
  list(APPEND mcp_installed_links "${MCP_LIBRARY_DIR}/${link}")
endforeach()
install(PROGRAMS "${MCP_LIBRARY_DIR}/${mcp_file_name}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES ${mcp_installed_links} "${MCP_LIBRARY_DIR}/libmcp.a" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${MCP_HEADER_DIR}/mcp.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES ${mcp_cpp_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

configure_package_config_file(cmake/mcpConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/mcpConfig.cmake"
  INSTALL_DESTINATION "${mcp_cmake_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Until 1.0 a new minor version may break callers.
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/mcpConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/mcpConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/mcpConfigVersion.cmake"
  DESTINATION "${mcp_cmake_dir}")

# The .pc file computes the prefix from its own location, unless the install directories are absolute.
set(mcp_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(mcp_pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH mcp_pc_up "/prefix/${mcp_pc_dir}" "/prefix")
  string(REGEX REPLACE "/$" "" mcp_pc_up "${mcp_pc_up}")
  set(mcp_pc_prefix "\${pcfiledir}/${mcp_pc_up}")
endif()
foreach(kind LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}}")
    set(mcp_pc_${kind} "${CMAKE_INSTALL_${kind}}")
  else()
    set(mcp_pc_${kind} "\${prefix}/${CMAKE_INSTALL_${kind}}")
  endif()
endforeach()
set(mcp_pc_private)
foreach(library IN LISTS mcp_system_libraries)
  if(library MATCHES "^-")
    string(APPEND mcp_pc_private " ${library}")
  else()
    string(APPEND mcp_pc_private " -l${library}")
  endif()
endforeach()
string(STRIP "${mcp_pc_private}" mcp_pc_private)
# The static library has a separate .pc file: where both libraries are installed, `-lmcp` links the shared one.
foreach(name mcp mcp-static)
  configure_file(cmake/${name}.pc.in "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION "${mcp_pc_dir}")
endforeach()

# The bindings are installed as sources: Go and SwiftPM compile them together with the application.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/bindings/go" DESTINATION "${CMAKE_INSTALL_DATADIR}/libmcp"
  PATTERN "*_test.go" EXCLUDE PATTERN "testdata" EXCLUDE)
# Package.swift names folders of the repository: the installed package has the same layout.
install(FILES "${PROJECT_SOURCE_DIR}/Package.swift" DESTINATION "${CMAKE_INSTALL_DATADIR}/libmcp/swift")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/bindings/swift/Sources"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/libmcp/swift/bindings/swift")

file(GLOB mcp_documents "${PROJECT_SOURCE_DIR}/LICENSE*" "${PROJECT_SOURCE_DIR}/README.md"
  "${PROJECT_SOURCE_DIR}/CHANGELOG.md")
install(FILES ${mcp_documents} DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/libmcp")
if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/docs")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/libmcp/docs")
endif()
