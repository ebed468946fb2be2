"""Floating-point units (IEEE 754, round to nearest even) as free-running pipelines; their values: `hwsim.floats`."""

from rtl.float.add import FloatAdd, float_sum
from rtl.float.compare import FloatCompare
from rtl.float.convert import FloatRound
from rtl.float.fma import FloatMultiplyAdd
from rtl.float.multiply import FloatMultiply

__all__ = ["FloatAdd", "FloatCompare", "FloatMultiply", "FloatMultiplyAdd", "FloatRound", "float_sum"]
