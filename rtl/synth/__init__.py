"""Synthesis: the Verilog of a family through Yosys, and the resources of each of its components.

    found = synthesise("nm_array", NmArrayConfig(rows=4, cols=4), "ultrascale+")
    found.total.lut, [component.module for component in found.components], found.to_dict()

Components are the modules of the Verilog. Each is synthesised once, however often it is there, and stays a module of
its own; so nothing is optimised across their borders, and sums are a little above those of a flat synthesis.
"""

from rtl.synth.liberty import packaged
from rtl.synth.placement import Placement, place
from rtl.synth.resources import Component, Resources
from rtl.synth.run import Synthesis, synthesise
from rtl.synth.targets import TARGETS

__all__ = ["TARGETS", "Component", "Placement", "Resources", "Synthesis", "packaged", "place", "synthesise"]
