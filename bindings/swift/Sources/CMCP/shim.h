#include <mcp.h>
