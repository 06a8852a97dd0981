/* The version is the same in Cargo.toml (the argument), in the header's macros and in the library. */
#include <mcp.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    char from_numbers[64];
    snprintf(from_numbers, sizeof from_numbers, "%d.%d.%d", MCP_VERSION_MAJOR, MCP_VERSION_MINOR, MCP_VERSION_PATCH);
    printf("MCP_VERSION %s, its numbers %s, mcp_version() %s\n", MCP_VERSION, from_numbers, mcp_version());
    return !(argc == 2 && strcmp(argv[1], MCP_VERSION) == 0 && strcmp(MCP_VERSION, from_numbers) == 0 &&
             strcmp(MCP_VERSION, mcp_version()) == 0);
}
