"""WUVE in Amaranth: intake, a pipeline of floating-point units for each lane, result queue; random cases."""
