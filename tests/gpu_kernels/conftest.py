"""Kernels run in Triton's interpreter here; without the extra ``gpu`` nothing of this folder runs."""

import os

import pytest

os.environ["TRITON_INTERPRET"] = "1"  # before anything imports the kernels


def pytest_collection_modifyitems(items):
    from importlib.util import find_spec

    missing = [name for name in ("torch", "triton") if find_spec(name) is None]
    for item in items:
        if missing and "gpu_kernels" in item.path.parts:
            item.add_marker(pytest.mark.skip(reason=f"needs {' and '.join(missing)}: pip install 'hwsim[gpu]'"))
