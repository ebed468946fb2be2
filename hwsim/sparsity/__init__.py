"""Sparsity patterns and formats: encode, decode, exact size in bits.

Every format is an ``encode_…`` function that returns a frozen tensor with ``decode()``, ``validate(place)``,
``bits(value_bits)`` (split in values, metadata, pointers) and ``size_bits(value_bits)``: the ``SparseTensor`` protocol.
"""

from hwsim.sparsity.bitmap import BitmapTensor, encode_bitmap
from hwsim.sparsity.csr import CsrTensor, encode_csr
from hwsim.sparsity.dense import DenseTensor, encode_dense
from hwsim.sparsity.formats import FormatRow, break_even, formats_table
from hwsim.sparsity.nm import NmTensor, check_nm, encode_nm, nm_mask
from hwsim.sparsity.patterns import random_mask, random_nm_mask
from hwsim.sparsity.ratio import DENSE, LARGEST_GROUP, Ratio
from hwsim.sparsity.registry import FORMATS, NM_RATIOS, Format, SparseTensor
from hwsim.sparsity.size import Bits

__all__ = [
    "DENSE", "FORMATS", "LARGEST_GROUP", "NM_RATIOS", "BitmapTensor", "Bits", "CsrTensor", "DenseTensor", "Format",
    "FormatRow", "NmTensor", "Ratio", "SparseTensor", "break_even", "check_nm", "encode_bitmap", "encode_csr",
    "encode_dense", "encode_nm", "formats_table", "nm_mask", "random_mask", "random_nm_mask",
]  # fmt: skip
