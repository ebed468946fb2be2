"""Kernels compile for GPUs that are not there, in a process without the interpreter."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="the extra gpu: torch")
pytest.importorskip("triton", reason="the extra gpu: triton")

pytestmark = pytest.mark.slow

ON_ORDINARY_CORES = {"gemv_kernel", "spmv_kernel", "gather_kernel", "int4_kernel", "join_kernel"}
SHARED_BYTES = {80: 163 << 10, 90: 227 << 10}
"""CUDA C++ programming guide: most shared memory of a thread block."""


@pytest.mark.parametrize("words", [("80", "float16", "int8"), ("90", "bfloat16")])
def test_every_kernel_compiles(words, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, "-m", "hwsim.gpu.kernels.compiled", *words], capture_output=True,
                          text=True, env=environment | {"TRITON_CACHE_DIR": str(tmp_path)}, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found, arch = json.loads(done.stdout), int(words[0])
    assert {one["dtype"] for one in found} == set(words[1:])
    assert len({one["kernel"] for one in found}) == (13 if "float16" in words else 9)
    for one in found:
        assert one["target"].startswith(f".target sm_{arch}") and one["machine_code_bytes"] > 1000, one
        assert one["tensor_cores"] == (one["kernel"] not in ON_ORDINARY_CORES), one
        assert one["shared_bytes"] <= SHARED_BYTES[arch], one


def test_interpreted_kernels_cannot_be_compiled():
    from hwsim.errors import InputError
    from hwsim.gpu.kernels.compiled import compile_launch, launches

    with pytest.raises(InputError, match="TRITON_INTERPRET: wanted not set"):
        compile_launch(next(launches("float16")), "float16", 80)
