"""One GEMM on SCALE-Sim, inside its own environment: ``python scalesim_child.py CASE.json RESULT.json``.

Stands alone: imports nothing of this package. The working folder is empty and belongs to this run. No trace files are
written and nothing is printed by SCALE-Sim, which favours it.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

CONFIG = """[general]
run_name = gemm
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
[architecture_presets]
ArrayHeight = {rows}
ArrayWidth = {cols}
ifmapsramszkB = 256
filtersramszkB = 256
ofmapsramszkB = 128
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = {dataflow}
ReadRequestBuffer = 64
WriteRequestBuffer = 64
[layout]
IfmapCustomLayout = False
FilterCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 10
IfmapSRAMBankPort = 2
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 10
FilterSRAMBankPort = 2
[sparsity]
SparsitySupport = {sparse}
SparseRep = ellpack_block
OptimizedMapping = False
BlockSize = 4
RandomNumberGeneratorSeed = 40
"""
"""Sizes of its buffers are its own defaults; with ``CALC`` it assumes that DRAM never stalls the array."""


def peak_bytes() -> int:
    """Largest resident set of this process; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def simulate(case: dict) -> dict:
    """Run the case ({m, k, n, rows, cols, dataflow, ratio}) and return cycles, seconds and versions."""
    begun = time.perf_counter()
    from scalesim.scale_sim import scalesim

    loaded = time.perf_counter()
    sparse = case["ratio"] != "1:1"
    Path("gemm.cfg").write_text(CONFIG.format(**{**case, "sparse": sparse}))
    ratio = f" {case['ratio']}," if sparse else ""
    Path("gemm.csv").write_text(f"Layer, M, N, K,\ngemm, {case['m']}, {case['n']}, {case['k']},{ratio}\n")
    Path("layout.csv").write_text("Layer,\ngemm" + ", 1" * 20 + ",\n")
    tool = scalesim(save_disk_space=True, verbose=False, config="gemm.cfg", topology="gemm.csv", layout="layout.csv",
                    input_type_gemm=True)
    tool.run_scale(top_path="out")
    seconds = time.perf_counter() - loaded
    report = tool.runner.single_layer_sim_object_list[0].get_compute_report_items()
    return {"cycles": int(report[1]), "cycles_with_prefetch": int(report[0]), "stall_cycles": int(report[2]),
            "run_seconds": seconds, "import_seconds": loaded - begun, "peak_bytes": peak_bytes(),
            "versions": {"scalesim": version("scalesim"), "numpy": version("numpy"),
                         "python": platform.python_version()}}


if __name__ == "__main__":
    found = simulate(json.loads(Path(sys.argv[1]).read_text()))
    Path(sys.argv[2]).write_text(json.dumps(found))
