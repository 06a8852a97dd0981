# The supply chain: licenses, sources and duplicates of the dependencies, the SBOM, and locked builds.
#
# Needs Python3_EXECUTABLE, MCP_CARGO, mcp_prepare and mcp_test_environment.

set(supply ${CMAKE_CURRENT_SOURCE_DIR}/supply)
set(supply_environment "CARGO=${MCP_CARGO};PYTHONDONTWRITEBYTECODE=1;${mcp_test_environment}")
mcp_prepare(supply prepare ${Python3_EXECUTABLE} ${supply}/tools.py deny cyclonedx)

foreach(subject deny dependencies locked security)
  add_test(NAME supply.${subject} COMMAND ${Python3_EXECUTABLE} ${supply}/${subject}.py)
endforeach()
add_test(NAME supply.sbom COMMAND ${Python3_EXECUTABLE} ${supply}/sbom_test.py)
set_tests_properties(supply.deny supply.dependencies supply.locked supply.security supply.sbom PROPERTIES
  LABELS supply TIMEOUT 300 ENVIRONMENT "${supply_environment}")

# Writes libmcp.cdx.json, the SBOM, to the build folder, for those who distribute the library.
add_custom_target(mcp-sbom
  COMMAND "${CMAKE_COMMAND}" -E env "CARGO=${MCP_CARGO}" PYTHONDONTWRITEBYTECODE=1
          ${Python3_EXECUTABLE} ${supply}/sbom.py ${PROJECT_BINARY_DIR}/libmcp.cdx.json
  COMMENT "Writing libmcp.cdx.json"
  VERBATIM)
