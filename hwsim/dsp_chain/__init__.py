"""Configurable sparse DSP chains: packed INT8 multiply-accumulates with N:M weights, N chosen at run time."""
