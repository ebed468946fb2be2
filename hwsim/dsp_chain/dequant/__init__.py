"""Dequantisation: packed 2-, 3-, 4- and 8-bit weights times the scale of their group, as INT8."""
