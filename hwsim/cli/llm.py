"""``hwsim llm``: a decoder-only language model on the accelerator that runs programs: one step, or a generation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.errors import InputError

_EXAMPLES = """\
MODEL is a name of the zoo (llama2-7b, llama2-13b, opt-6.7b, llama-3-8b, qwen2.5-7b, mistral-7b, mixtral-8x7b) or the
path of a Hugging Face config.json; weights are not needed. In --set, keys are those of the [llm] table of an
experiment's file: engine.sparse_mux=false, assignment=mine.toml, compiler.fills=4. Lengths are rounded up to the
engine's buckets (engine.length_adaptive), or to --bucket.

examples:
  hwsim llm llama2-7b --preset vhk158-artifact --decode-at 144 --json
  hwsim llm llama2-7b --prefill 128 -o prefill.prog
  hwsim llm opt-6.7b --generate 128:512
  hwsim llm ./config.json --generate 128:512 --ablation --set assignment=artifact
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    from hwsim.llm_workload.experiment import LlmExperiment

    parser.description = "Compile a language model for the accelerator that runs programs, and time what comes of it."
    parser.epilog = _EXAMPLES
    parser.add_argument("model", metavar="MODEL", help="a model's name, or a config.json")
    parser.add_argument("--preset", default="u280", choices=list(LlmExperiment.presets),
                        help="board, assignment and compiler (default: u280)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--prefill", type=int, metavar="N", help="a prompt of N tokens")
    what.add_argument("--decode-at", type=int, metavar="L", help="one token that makes the cache L tokens long")
    what.add_argument("--generate", metavar="PROMPT:TOKENS", help="a prompt and the tokens behind it")
    parser.add_argument("--bucket", type=int, metavar="B", help="the program is made for B tokens")
    parser.add_argument("--ablation", action="store_true", help="with --generate: without each of the design's ideas")
    add_set(parser, "change a key; may be given many times")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the program of the step there")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Compile, run and print."""
    from hwsim.llm_workload.experiment import LlmExperiment

    settings = settings_of(arguments.settings)
    if "model" in settings:
        raise InputError("llm --set", "keys other than model, which is an argument", "model")
    given: dict[str, Any] = {"preset": arguments.preset, **settings, "model": arguments.model}
    if arguments.generate is None:
        if arguments.ablation:
            raise InputError("llm --ablation", "--generate beside it", "one step")
        return _step(LlmExperiment.from_mapping(given, "llm"), arguments)
    for option in ("bucket", "output"):
        if getattr(arguments, option) is not None:
            raise InputError(f"llm --{option}", "one step: --prefill or --decode-at", "--generate")
    prompt, tokens = _lengths(arguments.generate)
    return _generate(LlmExperiment.from_mapping({**given, "prompt": prompt, "tokens": tokens}, "llm"), arguments)


def _lengths(text: str) -> tuple[int, int]:
    prompt, colon, tokens = text.partition(":")
    if not colon or not prompt.strip().isdecimal() or not tokens.strip().isdecimal():
        raise InputError("llm --generate", "PROMPT:TOKENS, e.g. 128:512", text)
    return int(prompt), int(tokens)


def _step(experiment: Any, arguments: argparse.Namespace) -> int:
    from hwsim.llm.program import write_program
    from hwsim.llm_workload.table import step_text
    from mappers.llm.generate import Generator
    from mappers.llm.timing import step_time

    output = arguments.output
    if output is not None and Path(output).exists() and not arguments.force:
        raise InputError(output, "a name that is not taken (or --force to replace what is there)", "an existing file")
    model, assignment = experiment.loaded()
    generator = Generator(model, experiment.engine, assignment, experiment.compiler)
    stage, length = ("prefill", arguments.prefill) if arguments.decode_at is None else ("decode", arguments.decode_at)
    bucket = generator.bucket(stage, length, arguments.bucket)
    compiled = generator.program(stage, bucket)
    time = step_time(compiled)
    if output is not None:
        write_program(output, compiled.program())
    result = {"model": model.name, "preset": arguments.preset, "assignment": assignment.name,
              "source": assignment.source, "stage": stage, "length": length, "bucket": bucket, **time.to_dict()}
    if arguments.json:
        print_json(result)
    else:
        print_text(step_text(result["model"], stage, length, bucket, time))
    return 0


def _generate(experiment: Any, arguments: argparse.Namespace) -> int:
    from hwsim.llm_workload.table import ablation_text, generation_text, gpu_text, sizes_text
    from mappers.llm.generate import FULL, Generator, ablation

    model, assignment = experiment.loaded()
    with ProgressBar() as bar:
        if arguments.ablation:
            found, sizes = ablation(model, experiment.engine, assignment, experiment.compiler, experiment.prompt,
                                    experiment.tokens, bar)
            generation = found.cases[FULL]
        else:
            generator = Generator(model, experiment.engine, assignment, experiment.compiler)
            generation = generator.generate(experiment.prompt, experiment.tokens, bar)
    gpus = experiment.on_gpus()
    result = {"model": model.name, "preset": arguments.preset, "assignment": assignment.name,
              "source": assignment.source, **generation.to_dict(), "gpus": [gpu.to_dict() for gpu in gpus]}
    beside = gpu_text(generation, gpus, experiment.engine.dollars)
    text = "\n".join([generation_text(model.name, generation), beside, ""])
    if arguments.ablation:
        result |= {"ablation": found.to_dict(), "instruction_bytes_all_lengths": sizes.to_dict()}
        text = "\n".join([text, ablation_text(found), "", sizes_text(sizes), ""])
    if arguments.json:
        print_json(result)
    else:
        print_text(text)
    return 0
