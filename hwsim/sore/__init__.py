"""SORE, the sparse online reduction engine: which N of every M weights are kept, in both directions from one pass."""
