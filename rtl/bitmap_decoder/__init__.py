"""RTL of the components for bitmap-compressed operands."""
