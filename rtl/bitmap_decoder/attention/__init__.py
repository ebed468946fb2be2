"""Decode attention over compressed keys and values in Amaranth; random cases."""
