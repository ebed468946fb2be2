"""Sparsity patterns and formats: encode, decode, exact size in bits."""

from hwsim.sparsity.nm import NmTensor, check_nm, encode_nm, nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.sparsity.size import Bits

__all__ = ["DENSE", "Bits", "NmTensor", "Ratio", "check_nm", "encode_nm", "nm_mask"]
