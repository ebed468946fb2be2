"""``hwsim reproduce mustafar``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwsim.cli.output import Progress
    from hwsim.cli.reproduce import Reproduction


def mustafar(settings: Mapping[str, Any], progress: Progress) -> Reproduction:
    """Run it; see `hwsim.reproduce.mustafar_outcome.MustafarExperiment` for its settings."""
    from hwsim.cli.reproduce import Reproduction
    from hwsim.provenance import provenance
    from hwsim.reproduce import mustafar as report
    from hwsim.reproduce.mustafar_figure import FIGURES
    from hwsim.reproduce.mustafar_outcome import MustafarExperiment
    from hwsim.reproduce.rows import rows_text
    from hwsim.settings import laid_over
    from mappers.kv.mustafar import run

    experiment = MustafarExperiment.from_mapping(laid_over(MustafarExperiment().to_mapping(), settings), "")
    outcome = run(experiment, progress)
    shown = report.text(outcome)

    def files() -> dict[str, bytes]:
        result = {**report.to_dict(outcome), "provenance": provenance(experiment.to_mapping(), seed=experiment.seed)}
        return {**{name: draw(outcome) for name, draw in FIGURES.items()}, "table.txt": shown.encode(),
                "result.json": (json.dumps(result, indent=1, allow_nan=False) + "\n").encode()}

    return Reproduction(rows=rows_text(report.rows(outcome)), text=shown, files=files)
