"""Sparse products as Triton kernels: one source for GPUs and, under Triton's interpreter, for the CPU.

Operands come in the formats of `hwsim.sparsity`; a `Prepared` product holds them where kernels run. Set
``TRITON_INTERPRET=1`` before the first import to run without a GPU. Needs the extra ``gpu``.
"""

from hwsim.gpu.kernels.attention import decode_attention
from hwsim.gpu.kernels.bitmap import bitmap_spmm
from hwsim.gpu.kernels.block import block_spmm
from hwsim.gpu.kernels.cache import DeviceCache, key_scores, uploaded_cache, value_sums
from hwsim.gpu.kernels.dense import gemm, gemv
from hwsim.gpu.kernels.int4 import int4_gemv
from hwsim.gpu.kernels.launch import DTYPES, Launch, Prepared, interpreted
from hwsim.gpu.kernels.nm import nm_spmm
from hwsim.gpu.kernels.tiled_csl import tiled_csl_spmm

__all__ = [
    "DTYPES", "DeviceCache", "Launch", "Prepared", "bitmap_spmm", "block_spmm", "decode_attention", "gemm", "gemv",
    "int4_gemv", "interpreted", "key_scores", "nm_spmm", "tiled_csl_spmm", "uploaded_cache", "value_sums",
]  # fmt: skip
