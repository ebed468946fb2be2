"""A sparse training step as data: its GEMMs, feature maps, weight updates, bounds, and the step as a timed network.

Modules:
    stages    the GEMMs of forward (FF), backward (BP) and weight update (WU), layer by layer
    maps      which part of a feature map a tile of A needs: im2col without storing it
    machine   the accelerator: array, SORE, WUVE, line buffer, DRAM
    update    bytes and cycles of the weight update and of generating sparse weights
    step      one step as a timed process network
    bound     speedup that the MACs alone allow
    result    what a scheduled step amounts to
"""
