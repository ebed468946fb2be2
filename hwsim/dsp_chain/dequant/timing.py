"""Cycle constants of the dequantiser, counted in registers. The RTL builds exactly these; the model uses them."""

from __future__ import annotations

QUEUE = 1          # cycles through a queue of headers or scales
HANDOVER = 1       # cycles from an event to what waits for it: one register
WINDOW = 1         # register of the bits of a beat, brought to the front
UNPACK = 1         # register of the weights, their signs extended
MULTIPLY = 1       # register of the products
SHIFT = 1          # register of the shifted products
ROUND = 1          # register of the rounded, saturated results
RESULT_QUEUE = 2   # write to visible at the port

LATENCY = WINDOW + UNPACK + MULTIPLY + SHIFT + ROUND + RESULT_QUEUE
"""From a step, which takes the bits of a beat, to its beat at port ``o``."""
FULL_RATE_DEPTH = LATENCY + HANDOVER
"""Entries of the result queue with which a step can be made every cycle: all that are under way."""
