"""RTL of the N:M sparse array: stream component, its parts, tokens, Verilog and conformance cases."""
