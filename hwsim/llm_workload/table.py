"""Tables of steps, generations and ablations, as text."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.energy.compare import Comparison, range_text
from hwsim.gpu.calibration import held_out_text
from hwsim.gpu.decoder import GpuGeneration
from hwsim.llm.isa import Opcode
from hwsim.llm.simulate import PS_PER_MS
from hwsim.llm_workload.generation import Ablation, Generation, InstructionBytes
from hwsim.llm_workload.step_time import ENGINES, StepTime
from hwsim.report.columns import aligned


def step_text(model: str, stage: str, length: int, bucket: int, time: StepTime) -> str:
    """One step."""
    head = (f"{model}: {stage} at {length} tokens (program for {bucket}), {time.total_ms:.4g} ms, "
            f"{float(time.energy.total):.3g} J\n"
            f"{time.instructions} instructions, {time.instruction_bytes} bytes; HBM at "
            f"{100 * time.hbm_utilization:.1f} % of its peak")
    return "\n".join([head, "", *queue_lines(time), "", *layer_lines(time), ""])


def generation_text(model: str, generation: Generation) -> str:
    """A whole generation."""
    head = (f"{model}: prompt of {generation.prompt}, {generation.tokens} tokens behind it\n"
            f"prefill {generation.prefill.total_ms:.4g} ms, decode {generation.decode.total_ms:.5g} ms: "
            f"{generation.tokens_per_s:.4g} tokens/s in all, {generation.decode_tokens_per_s:.4g} decoding; "
            f"decoding {generation.joules_per_token:.3g} J/token, {generation.watts:.3g} W; "
            f"prefill {float(generation.prefill.energy.total):.3g} J")
    return "\n".join([head, "", "prefill", *queue_lines(generation.prefill), "", "decode, all tokens",
                      *queue_lines(generation.decode), "", "decode, time by kind of layer",
                      *layer_lines(generation.decode), ""])


def queue_lines(time: StepTime) -> list[str]:
    """Where each queue's time went, per cent of the total."""
    used = [op for op in ENGINES if time.counts[op]]
    waited = [by for by in Opcode if any(time.starved.get((op, by)) for op in used)]
    waits = [f"waits {by.name}%" for by in waited]
    lines: list[tuple[str, ...]] = [("queue", "instructions", "busy ms", "busy%", *waits, "idle%")]
    for op in used:
        stalls = time.stalls(op)
        parts = [f"{100 * stalls.get(f'starved by {by.name}', 0):.1f}" for by in waited]
        lines.append((op.name, str(time.counts[op]), f"{time.busy[op] / PS_PER_MS:.4g}", f"{100 * stalls['busy']:.1f}",
                      *parts, f"{100 * stalls['idle']:.1f}"))
    return aligned(lines)


def layer_lines(time: StepTime) -> list[str]:
    """Time by kind of layer."""
    lines: list[tuple[str, ...]] = [("layer", "ms", "%")]
    lines += [(name, f"{spent / PS_PER_MS:.4g}", f"{100 * spent / time.total_ps:.1f}")
              for name, spent in time.layer_ps.items()]
    return aligned(lines)


def ablation_text(ablation: Ablation) -> str:
    """Every case beside the full design."""
    lines: list[tuple[str, ...]] = [("case", "prefill ms", "decode tokens/s", "tokens/s", "decode J/token",
                                     "HBM% decoding", "instructions MB", "time")]
    for name, row in ablation.to_dict().items():
        lines.append((name, f"{row['prefill_ms']:.1f}", f"{row['decode_tokens_per_s']:.2f}",
                      f"{row['tokens_per_s']:.2f}", f"{row['joules_per_token']:.3f}",
                      f"{100 * row['hbm_utilization_decode']:.1f}", f"{row['instruction_bytes'] / 1e6:.1f}",
                      f"x {row['slowdown']:.3f}"))
    return "\n".join([*aligned(lines), "", *range_text(_gains(ablation))])


def _gains(ablation: Ablation) -> dict[str, Comparison]:
    """Energy of the first other case (the dense chain) over the full design's, over the range of the costs."""
    full, (name, other) = next(iter(ablation.cases.values())), list(ablation.cases.items())[1]
    found = {f"{name}, {part}": Comparison.of(getattr(full, part).energy.leaves, getattr(other, part).energy.leaves)
             for part in ("prefill", "decode")}
    return {label: each for label, each in found.items() if each is not None}


def gpu_text(ours: Generation, gpus: Sequence[GpuGeneration], dollars: float | None) -> str:
    """The same generation on GPUs; the last columns are ours over theirs."""
    lines: list[tuple[str, ...]] = [("GPU, dense FP16 (model)", "prefill ms", "decode tokens/s", "tokens/s",
                                     "decode J/token", "ours: tokens/s", "tokens/J", "tokens/s/$")]
    for gpu in gpus:
        speed = ours.tokens_per_s / gpu.tokens_per_s
        cost = "-" if dollars is None or gpu.dollars is None else f"{speed * gpu.dollars / dollars:.2f}x"
        lines.append((gpu.board if gpu.fits else f"{gpu.board}*", f"{1e3 * gpu.prefill_seconds:.1f}",
                      f"{gpu.decode_tokens_per_s:.2f}", f"{gpu.tokens_per_s:.2f}", f"{gpu.joules_per_token:.3f}",
                      f"{speed:.2f}x", f"{gpu.joules_per_token / ours.joules_per_token:.2f}x", cost))
    note = "" if all(gpu.fits for gpu in gpus) else "\n* weights and cache do not fit in its memory"
    return "\n".join([*aligned(lines), held_out_text()]) + note


def sizes_text(sizes: InstructionBytes) -> str:
    """Bytes of the programs for all lengths, in words."""
    return (f"Programs for all {len(sizes.decode)} lengths: {sizes.every_length / 1e9:.4g} GB, a program each; "
            f"{sizes.buckets / 1e9:.4g} GB, one a bucket; {sizes.adaptive / 1e6:.4g} MB where equal layers and cores "
            f"share theirs: {sizes.gain:.4g} times fewer.")
