"""Whole generations: lengths in buckets, one program a bucket; the ideas of the design taken out one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hwsim.config import in_range
from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK
from hwsim.llm_workload.generation import Ablation, Generation, InstructionBytes
from hwsim.llm_workload.options import CompilerOptions
from hwsim.llm_workload.step_time import StepTime
from hwsim.workload.decoder import DecoderConfig
from hwsim.workload.decoder.assignment import Assignment
from mappers.llm.compile import Compiled, Compiler
from mappers.llm.lengths import ProgramBytes
from mappers.llm.tiling import ceil_div
from mappers.llm.timing import Parts, step_time

Progress = Callable[[int, int, str], None]

FULL = "full design"


def _quiet(done: int, total: int, name: str) -> None:
    """No progress shown."""


class Generator:
    """Times steps of one model on one engine; each program is compiled and run once, and so is a part between barriers
    that programs of several lengths share.
    """

    def __init__(self, model: DecoderConfig, engine: EngineConfig, assignment: Assignment,
                 options: CompilerOptions | None = None):
        self.compiler = Compiler(model, engine, assignment.of(model), options)
        self._prefill: dict[int, StepTime] = {}
        self._decode: dict[int, StepTime] = {}
        self._parts: Parts = {}

    @property
    def most(self) -> int:
        """The longest sequence."""
        return min(self.compiler.engine.max_length, self.compiler.model.max_positions)

    def bucket(self, stage: str, length: int, given: int | None = None) -> int:
        """The length of the program that serves a length: of its bucket, or one that is given.

        Raises:
            InputError: a bucket smaller than the length, lengths out of range.
        """
        in_range(stage, length, 1, self.most)
        if given is not None:
            if given < length:
                raise InputError(f"{stage}: bucket", f"at least the {length} tokens that it serves", given)
            return in_range(f"{stage}: bucket", given, 1, self.most)
        engine = self.compiler.engine
        if not engine.length_adaptive:
            return length
        unit = engine.prefill_bucket if stage == "prefill" else engine.decode_bucket
        return min(unit * ceil_div(length, unit), self.most)

    def program(self, stage: str, length: int) -> Compiled:
        """The program of exactly this length."""
        return self.compiler.prefill(length) if stage == "prefill" else self.compiler.decode(length)

    def prefill(self, tokens: int) -> StepTime:
        """A prompt."""
        return self._timed(self._prefill, "prefill", tokens)

    def decode(self, context: int) -> StepTime:
        """One token that makes the cache `context` tokens long."""
        return self._timed(self._decode, "decode", context)

    def _timed(self, known: dict[int, StepTime], stage: str, length: int) -> StepTime:
        equal = self._equal(stage, self.bucket(stage, length))
        if equal not in known:
            known[equal] = step_time(self.program(stage, equal), self._parts)
        return known[equal]

    def _equal(self, stage: str, length: int) -> int:
        """The longest length whose program is the same.

        Decoding on the chip goes by whole blocks of 16 of the cache. Other programs hold their exact length: a prompt's
        norms have a line for each row, and vectors that go through HBM are loaded and stored byte by byte.
        """
        if stage == "decode" and self.compiler.engine.on_chip_decode:
            return min(BLOCK * ceil_div(length, BLOCK), self.most)
        return length

    def generate(self, prompt: int, tokens: int, progress: Progress = _quiet) -> Generation:
        """A prompt and `tokens` behind it.

        Raises:
            InputError: more tokens than the engine or the model holds.
        """
        in_range("prompt", prompt, 1, self.most)
        in_range("tokens", tokens, 1)
        in_range("prompt + tokens", prompt + tokens, 2, self.most)
        progress(0, tokens, "prefill")
        prefill, steps = self.prefill(prompt), Counter[int]()
        for number in range(1, tokens + 1):
            steps[self._equal("decode", self.bucket("decode", prompt + number))] += 1
        parts = []
        for context, times in steps.items():
            progress(min(context - prompt, tokens), tokens, f"decode at {context}")
            parts.append((self.decode(context), times))
        return Generation(prompt=prompt, tokens=tokens, prefill=prefill, decode=StepTime.added(parts))


def ablation(model: DecoderConfig, engine: EngineConfig, assignment: Assignment, options: CompilerOptions,
             prompt: int, tokens: int, progress: Progress = _quiet) -> tuple[Ablation, InstructionBytes]:
    """The generation with everything, and with one idea less each; and the bytes of all programs.

    The dense chain has the same DSPs and the same bits of weights and activations, but no zeros that it could skip: all
    blocks dense, causal attention.
    """
    cases = {
        FULL: (engine, assignment),
        "dense chain, equal DSPs": (engine.replace(sparse_mux=False), assignment.dense()),
        "without sparse MUX": (engine.replace(sparse_mux=False), assignment),
        "without always-on-chip decode": (engine.replace(on_chip_decode=False), assignment),
        "without length-adaptive compilation": (engine.replace(length_adaptive=False), assignment),
    }
    sizes = ProgramBytes(model, engine, options)
    made, stored = {}, {}
    for number, (name, (machine, weights)) in enumerate(cases.items()):
        progress(number, len(cases), name)
        made[name] = Generator(model, machine, weights, options).generate(prompt, tokens)
        found = sizes.of(on_chip=machine.on_chip_decode)
        stored[name] = found.adaptive if machine.length_adaptive else found.every_length
    return Ablation(cases=made, stored=stored), sizes.of(on_chip=engine.on_chip_decode)
