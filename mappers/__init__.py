"""Mapping of pruned workloads onto accelerators: pruning, tiling, scheduling. Prints nothing; returns data."""
