module example

go 1.25

require github.com/libmcp/libmcp/bindings/go v0.0.0

replace github.com/libmcp/libmcp/bindings/go => ../../bindings/go
