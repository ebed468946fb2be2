"""Instruction bytes for all lengths: a program for every length, or one for each bucket of lengths.

Only counts matter here, so the model is cut to `SAMPLE` layers and scaled up, its weights are dense and its attention
causal (a block mask leaves instructions out of long prompts, in both cases alike).
"""

from __future__ import annotations

from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK
from hwsim.llm.isa import instruction_bytes as bytes_of
from hwsim.llm_workload.generation import InstructionBytes
from hwsim.workload.decoder import DecoderConfig
from hwsim.workload.decoder.assignment import Assignment, Rule
from mappers.llm.compile import Compiled, Compiler
from mappers.llm.options import CompilerOptions
from mappers.llm.tiling import ceil_div

SAMPLE = 2


class ProgramBytes:
    """Bytes of the programs of one model on one engine, with activations on the chip and without."""

    def __init__(self, model: DecoderConfig, engine: EngineConfig, options: CompilerOptions):
        self.model, self.engine, self.options = model, engine, options
        self.small = model.replace(layers=min(SAMPLE, model.layers))
        self.most = min(engine.max_length, model.max_positions)
        self.lengths = [min(number * BLOCK, self.most) for number in range(1, ceil_div(self.most, BLOCK) + 1)]
        compiler = self._compiler(engine)
        self._prefill = [self._sizes(compiler.prefill(length)) for length in self.lengths]

    def _compiler(self, engine: EngineConfig) -> Compiler:
        plain = Assignment(name="plain", rules=(Rule(match="*"),))
        return Compiler(self.small, engine, plain.of(self.small), self.options)

    def _sizes(self, program: Compiled) -> tuple[int, int]:
        """Bytes of a program of the whole model, and of its different stages: equal layers share theirs."""
        layers = sum(bytes_of(program.parts[place.part]["op"]) for place in program.order if place.layer is not None)
        once = {rows.tobytes(): rows for rows in program.parts}.values()
        return (round(layers * self.model.layers / self.small.layers) + program.nbytes - layers,
                sum(bytes_of(rows["op"]) for rows in once))

    def of(self, *, on_chip: bool) -> InstructionBytes:
        """Bytes for every length to the maximum.

        Lengths that need the same blocks of 16 rows or columns have the same number of instructions, so one of each
        was compiled.
        """
        engine = self.engine
        compiler = self._compiler(engine.replace(on_chip_decode=on_chip))
        decode = [self._sizes(compiler.decode(length)) for length in self.lengths]
        stages = ((self._prefill, engine.prefill_bucket), (decode, engine.decode_bucket))
        every = [tuple(found[length // BLOCK][0] for length in range(self.most)) for found, _ in stages]
        buckets = [found[ceil_div(min(length, self.most), BLOCK) - 1] for found, unit in stages
                   for length in range(unit, self.most + unit, unit)]
        return InstructionBytes(
            prefill=every[0], decode=every[1], every_length=engine.slrs * (sum(every[0]) + sum(every[1])),
            buckets=engine.slrs * sum(whole for whole, _ in buckets), adaptive=sum(once for _, once in buckets))
