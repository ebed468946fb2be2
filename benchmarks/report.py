"""The measurements as Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks.cycles import explanation
from benchmarks.sweep_tables import search_text, sweep_text
from benchmarks.tables import case_name, joined, markdown_table, number, speedup
from benchmarks.targets import targets

Sections = dict[str, Any]
GROUND = """Times are wall clock after warm-up: the **median** of the runs and, in brackets, the **minimum**. The \
machine's cores may be shared with other work, which the load says; the minimum is nearest to a quiet machine. \
`benchmarks.json` holds every figure with its inputs, versions, runs, minimum and maximum."""
GEMMS = """## GEMMs on a 32 × 32 array, beside SCALE-Sim 3.0.0

*search*: the best tiling of up to 18, of which up to 8 are simulated, with DRAM, stalls, traffic and energy (what \
`hwsim run --gemm` computes). *one tiling*: the deepest, with DRAM. *new process*: import, one search, exit. \
SCALE-Sim: one run in a process of its own, without trace files. The ratios are of CPU times (both run on one core; \
neither waits for the other's share of the machine): its process over our median. SCALE-Sim searches nothing: the like \
for like is one tiling."""
PATTERN = """## Reading a 2:4 pattern once (µs)

No tool that looks at the data can be faster. The timing of N:M does not depend on which weights are kept, so our \
network is solved without them; `check_nm` reads them to prove that they are N:M."""
RTL = """## Against simulation of our own RTL, 8 × 8 array

Every transfer of every port is in the same cycle in RTL and model, and has the value of the reference; the benchmark \
stops if not. Verilator is driven by cocotb in a new process for each run, CXXRTL by a compiled loop."""


def markdown(sections: Sections) -> str:
    """The whole page; sections that were not measured are left out."""
    parts = ["# Speed of the simulator", GROUND, targets(sections), _origins(sections)]
    if {"gemm", "scalesim"} <= set(sections):
        rows = joined(sections)
        parts += [_gemm_times(rows), _gemm_cycles(rows), explanation(rows)]
    for name, write in (("pattern", _pattern), ("rtl", _rtl), ("resnet50", _resnet50), ("import", _import),
                        ("solver", _solver), ("sweep", sweep_text), ("search", search_text)):
        if name in sections:
            parts.append(write(sections[name]["results"]))
    return "\n\n".join(parts) + "\n"


def timed(sample: dict[str, Any], unit: str = "ms") -> str:
    """Median and minimum."""
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6}[unit]
    return f"{number(sample['median_s'] * scale)} ({number(sample['min_s'] * scale)})"


def cpu(sample: dict[str, Any]) -> str:
    """Median CPU milliseconds."""
    return number(sample["cpu_median_s"] * 1e3)


def _origins(sections: Sections) -> str:
    rows = []
    for name, section in sections.items():
        if name == "scalesim":
            continue  # each of its measurements has its own circumstances
        where = section["circumstances"]
        machine, versions = where["machine"], where["versions"]
        rows.append([name, section["origin"], f"{machine['cores']} cores, {machine['cpu']}, "
                     f"{machine['memory_bytes'] / 2**30:.0f} GiB", where["load_1min"],
                     f"Python {versions['python']}, NumPy {versions['numpy']}, Numba {versions['numba']}",
                     where["revision"][:10] + ("+changes" if "+" in where["revision"] else "")])
    return "## Where the figures come from\n\n" + markdown_table(
        ["section", "origin", "machine", "load before", "versions", "revision"], rows) + _peer_origin(sections)


def _peer_origin(sections: Sections) -> str:
    """The range of loads under which SCALE-Sim was measured, and its NumPy."""
    measured = [r for r in sections.get("scalesim", {}).get("results", []) if "versions" in r]
    if not measured:
        return ""
    loads = [r["circumstances"]["load_1min"] for r in measured]
    numpys = ", ".join(sorted({r["versions"]["numpy"] for r in measured}))
    return (f"\n\nSCALE-Sim 3.0.0 with NumPy {numpys}: one run of each case, load before it {min(loads)} to "
            f"{max(loads)}; each with its circumstances in `scalesim.json`.")


def _gemm_times(rows: list[dict[str, Any]]) -> str:
    """Wall time, memory and ratio, one line per case."""
    table = []
    for row in rows:
        peer, search, fixed = row["scalesim"], row["hwsim"]["search"], row["hwsim"]["fixed"]
        if peer["status"] == "measured":
            theirs = [number(peer["wall_s"]), number(peer["cpu_s"]), number(peer["peak_bytes"] / 1e9)]
            ratios = [number(round(speedup(peer, made))) for made in (search, fixed)]
        else:
            theirs, ratios = [peer["status"], "–", "–"], ["–", "–"]
        fresh = search["fresh_process"]
        table.append([case_name(row["case"]), *theirs, timed(search["warm"]), cpu(search["warm"]),
                      timed(fixed["warm"]), cpu(fixed["warm"]), number(fresh["wall_s"]),
                      number(fresh["peak_bytes"] / 1e9), *ratios, peer["origin"]])
    head = ["GEMM", "SCALE-Sim wall s", "its CPU s", "its peak GB", "search ms", "search CPU ms", "one tiling ms",
            "one tiling CPU ms", "new process s", "its peak GB", "ratio, search", "ratio, one tiling",
            "SCALE-Sim figure"]
    return GEMMS + "\n\n" + markdown_table(head, table) + "\n\n![seconds for each GEMM](benchmarks.png)"


def _gemm_cycles(rows: list[dict[str, Any]]) -> str:
    """Cycles of the same cases side by side."""
    table = []
    for row in rows:
        peer, fast = row["scalesim"], row["hwsim"]
        table.append([case_name(row["case"]), number(peer.get("cycles", "–")), number(peer["closed_form_cycles"]),
                      *(number(fast[name]["cycles"]) if name in fast else "–"
                        for name in ("systolic", "array", "fixed", "search"))])
    return "## Cycles\n\n" + markdown_table(
        ["GEMM", "SCALE-Sim", "its closed form", "systolic-32x32", "sparse-32x32", "with DRAM, one tiling",
         "with DRAM, best tiling"], table)


def _pattern(rows: list[dict[str, Any]]) -> str:
    table = [[f"{row['size']}²", *(timed(sample, "us") for sample in row["ways"].values())] for row in rows]
    return PATTERN + "\n\n" + markdown_table(["weights", *rows[0]["ways"]], table)


def _rtl(found: dict[str, Any]) -> str:
    builds = markdown_table(["engine", "dataflow", "build s (one run, empty cache)"],
                            [[b["engine"], b["dataflow"], number(b["seconds"])] for b in found["builds"]])
    table = []
    for row in found["rows"]:
        engines = row["engines"].values()
        table.append([f"{row['shape']} {row['dataflow']} {row['ratio']}", number(row["last_transfer_cycle"] + 1),
                      number(row["transfers_compared"]), *(timed(engine) for engine in engines),
                      *(number(engine["cycles_per_s"]) for engine in engines)])
    names = list(found["rows"][0]["engines"])
    head = ["GEMM", "cycles", "transfers equal", *(f"{name} ms" for name in names),
            *(f"{name} cycles/s" for name in names)]
    return "\n\n".join([RTL, markdown_table(head, table), builds])


def _resnet50(rows: list[dict[str, Any]]) -> str:
    steps = list(rows[0]["seconds"])
    table = [[row["dataflow"], row["layers"], row["pruned_layers"], number(row["cycles"]),
              number(row["dense_cycles"]), *(timed(row["seconds"][step], "s") for step in steps),
              number(row["prune_by_magnitude_s"])] for row in rows]
    head = ["dataflow", "layers", "2:4 layers", "cycles", "cycles dense", *(f"{step}, s" for step in steps),
            "prune by magnitude, s (one run)"]
    weights = f"{rows[0]['weights'] / 1e6:.1f} M"
    return (f"## ResNet-50 forward, batch 1, {weights} random INT8 weights pruned to 2:4\n\n"
            "All layers, best tiling of each, DRAM and energy.\n\n" + markdown_table(head, table))


def _import(found: dict[str, Any]) -> str:
    table = [[name, timed(sample), number(sample["median_beyond_python_s"] * 1e3)] for name, sample in found.items()]
    head = ["statement", "wall ms", "beyond Python itself"]
    return "## Import, in a new process (ms)\n\n" + markdown_table(head, table)


def _solver(rows: list[dict[str, Any]]) -> str:
    def each(sample: dict[str, Any]) -> str:
        return f"{sample['median_ns_per_firing']:.1f} ({sample['min_ns_per_firing']:.1f})"

    table = [[row["intervals"], number(row["firings"]), number(row["cycles"]), each(row["kernel"]), each(row["solve"])]
             for row in rows]
    chain = f"{rows[0]['processes']} processes in a row, FIFOs of {rows[0]['depth']}"
    return f"## Network solver, ns per firing: {chain}\n\n" + markdown_table(
        ["intervals", "firings", "cycles", "compiled kernel", "whole solve()"], table)
