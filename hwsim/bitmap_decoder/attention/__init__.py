"""Decode attention over a compressed KV cache: scores, online softmax, weighted sum of the values; one query a time."""
