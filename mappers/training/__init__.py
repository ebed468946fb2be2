"""Schedules of a sparse training step: candidates by the cycle model, choice by dynamic programming, the whole step.

Modules:
    candidates  tilings of one GEMM for each dataflow: branch and bound over exact simulations with DRAM
    choose      the cheapest sequence of dataflows, by dynamic programming
    step        a whole step under a policy, with its energy
    sat         the five networks of the SAT paper, ratios, ablations and sensitivities
"""
