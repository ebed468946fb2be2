"""The dequantiser in Amaranth: intake, gearbox, lanes, result queue; random cases."""
