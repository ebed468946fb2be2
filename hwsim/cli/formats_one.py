"""``hwsim formats --format``: one format at one sparsity, as fractions of dense."""

from __future__ import annotations

import argparse
from typing import Any

from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError


def one_format(arguments: argparse.Namespace, shape: tuple[int, int], settings: dict[str, Any]) -> int:
    """Measure and print; mustafar on keys and values pruned token by token, the others on their own random masks."""
    from hwsim.provenance import provenance
    from hwsim.sparsity.mustafar import BitmapFormat
    from hwsim.sparsity.registry import format_of
    from hwsim.sparsity.single import format_report, kv_report

    form = format_of(arguments.format, "--format")
    sparsity = arguments.sparsity
    if sparsity is None or not 0 <= sparsity <= 1:
        raise InputError("--sparsity", "0 to 1", "none" if sparsity is None else sparsity)
    value_bits = 16 if arguments.value_bits is None else arguments.value_bits
    if form.name == "mustafar":
        given = {} if arguments.value_bits is None else {"value_bits": value_bits}
        parameters = BitmapFormat.from_mapping({**given, **settings}, "--set")
        value_bits = parameters.value_bits
        report = kv_report(parameters, sparsity, shape, arguments.seed)
    else:
        report = format_report(form, sparsity, value_bits, shape, arguments.seed)
    head = {"format": form.name, "sparsity": sparsity, "value_bits": value_bits, "shape": list(shape)}
    if arguments.json:
        inputs = {**head, "settings": settings}
        print_json({**head, **report, "provenance": provenance(inputs, seed=arguments.seed)})
    else:
        print_text(_text({**head, **report}, form.title, form.source))
    return 0


def _text(report: dict[str, Any], title: str, source: str) -> str:
    names = list(report["arithmetic"])
    lines = [
        f"{report['format']}: {title} ({source})",
        f"{100 * report['sparsity']:g} % sparsity, {report['value_bits']}-bit values, "
        f"{report['shape'][0]} x {report['shape'][1]}; fractions of dense values of that width",
        "",
        f"{'':<12}{'measured':>10}{'arithmetic':>12}",
    ]
    lines += [f"{name:<12}{report[name]:>10.4f}{report['arithmetic'][name]:>12.4f}" for name in names]
    for side, found in report.get("by_side", {}).items():
        lines.append(f"{side + ' only':<12}{found['ratio']:>10.4f}")
    return "\n".join(lines)
