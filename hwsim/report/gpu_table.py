"""A run beside GPUs, as text: totals of each board, and every layer."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from hwsim.gpu.network import GpuNetwork
from hwsim.report.columns import aligned, clipped
from hwsim.report.outcome import Run, ratio_of

WIDTH, NAME = 120, 20


def gpu_text(run: Run, dollars: float | None, *, all_layers: bool) -> str:
    """Totals, what they are worth, and with ``all_layers`` a line for each layer.

    Args:
        run: with its GPUs.
        dollars: price of the accelerator, None where none is known.
        all_layers: show them.
    """
    parts = [aligned(_totals(run, dollars)), [fill(_note(run.gpus), WIDTH)]]
    if all_layers:
        parts.append(["", *aligned(_layers(run))])
    return "\n".join(line for part in parts for line in part)


def _totals(run: Run, dollars: float | None) -> list[tuple[str, ...]]:
    unit, inputs = run.gpus[0].unit, run.gpus[0].inputs
    seconds, joules = run.result.seconds, float(run.result.energy.total)
    lines: list[tuple[str, ...]] = [
        ("GPU (model)", "type", "ms", "bound", f"{unit}/s", "speedup", "inverse", "mJ", "energy gain", f"{unit}/s/$",
         "cost gain"),
        (f"ours, {run.ratio}", "", f"{1e3 * seconds:.4g}", "", f"{inputs / seconds:.4g}", "", "",
         f"{1e3 * joules:.4g}", "", _figure(None if dollars is None else inputs / seconds / dollars), "")]
    for gpu in run.gpus:
        against = run.beside(gpu, dollars)
        lines.append((gpu.board.name + ("" if gpu.fits else "*"), gpu.data_type, f"{1e3 * gpu.seconds:.4g}", gpu.bound,
                      f"{inputs / gpu.seconds:.4g}", _times(against["speedup"]), _times(seconds / gpu.seconds),
                      f"{1e3 * gpu.joules[1]:.4g}", _times(against["energy_gain"]), _figure(gpu.per_second_and_dollar),
                      _times(against["cost_gain"])))
    return lines


def _layers(run: Run) -> list[tuple[str, ...]]:
    """Ours, the first board in full, and the time on the others."""
    first, *others = run.gpus
    lines: list[tuple[str, ...]] = [("layer", "us", "uJ", "kernel", f"us {_short(first)}", "bound", "mJ", "speedup",
                                     "inverse", *(f"us {_short(gpu)}" for gpu in others))]
    for number, (layer, found) in enumerate(zip(run.result.layers, first.layers, strict=True)):
        seconds = layer.cycles / run.result.clock_hz
        lines.append((
            clipped(layer.name, NAME), f"{1e6 * seconds:.4g}", f"{1e6 * float(layer.energy.total):.4g}", found.kernel,
            f"{1e6 * found.seconds:.4g}", found.bound, f"{1e3 * found.joules[1]:.3g}",
            _times(ratio_of(found.seconds, seconds)), _times(seconds / found.seconds),
            *(f"{1e6 * gpu.layers[number].seconds:.4g}" for gpu in others)))
    return lines


def _short(gpu: GpuNetwork) -> str:
    return gpu.board.name.split()[0]


def _note(gpus: Sequence[GpuNetwork]) -> str:
    from hwsim.gpu.calibration import held_out_text

    kernels = gpus[0].kernels
    outside = sum(bool(layer.outside) for layer in kernels)
    note = ("speedup: the GPU's time over this accelerator's; energy gain: joules of the whole board over those of "
            "array and DRAM. GPU figures are predicted, not measured: kernels one after the other with a launch each, "
            f"convolutions as implicit GEMMs. {held_out_text()}")
    if outside:
        counts = sorted(gpus[0].outside.items(), key=lambda each: -each[1])
        named = ", ".join(f"{axis.replace('_', ' ')} {count}" for axis, count in counts)
        note += f"; kernels here outside of those points, so estimates: {outside} of {len(kernels)} (by {named})"
    if any(gpu.board.dollars for gpu in gpus):
        note += ". Prices of boards: those of [gpu.prices], else told by others (FlightLLM, arXiv 2401.03868)"
    return note + "." + ("" if all(gpu.fits for gpu in gpus) else " * does not fit in the board's memory.")


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}x"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
