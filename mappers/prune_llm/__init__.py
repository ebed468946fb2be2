"""Pruning and quantisation of language models' weights to N:M in 16 x 16 blocks; NumPy and SciPy only.

    gram          what calibration activations say about a layer
    blocks        what is kept for given N of each block, and which N each block should have
    quantise      2, 3, 4 and 8 bits
    methods       magnitude, Wanda, SparseGPT: one weight
    sensitivity   error of each layer at each density and number of bits, and a choice within a budget
    allocate      the choice: greedy on convex hulls
    network       all layers, and the assignment they follow
    stored        their file
    minilm        a real network with real text to calibrate on

Example::

    calibration = calibrate(passages(64))
    options = network_options(calibration.weights, calibration.grams, Grid(bits=(3, 4), densities=(0.5, 0.75, 1.0)))
    choices = within(options, 3.0, importance=importance(calibration, passages(76)[64:]))
    pruned = prune_network("minilm", calibration.weights, calibration.grams, choices, "sparsegpt", calibration.source)
    write_assignment(pruned.assignment(), "minilm.json")
"""

from mappers.prune_llm.gram import Gram
from mappers.prune_llm.methods import METHODS, Method, PrunedWeight, prune_weight
from mappers.prune_llm.minilm import calibrate, importance, passages
from mappers.prune_llm.network import PrunedNetwork, prune_network
from mappers.prune_llm.sensitivity import Choice, Grid, network_options, within
from mappers.prune_llm.stored import load_pruned

__all__ = [
    "METHODS",
    "Choice",
    "Gram",
    "Grid",
    "Method",
    "PrunedNetwork",
    "PrunedWeight",
    "calibrate",
    "importance",
    "load_pruned",
    "network_options",
    "passages",
    "prune_network",
    "prune_weight",
    "within",
]
