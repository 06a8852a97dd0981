module libmcp.test/smoke

go 1.25
