"""How the report tells proofs: a state for each point, what was proven, and that another revision did it."""

from __future__ import annotations

import pytest

pytest.importorskip("pyarrow")

from sweep_folder import HOSTILE, add_proofs, make_folder  # noqa: E402

from hwsim.report.html.data import report_data  # noqa: E402
from hwsim.report.html.page import page  # noqa: E402


@pytest.mark.slow
def test_states_and_notes(tmp_path):
    folder = make_folder(tmp_path)
    assert set(report_data(folder)["proofs"]["codes"]) == {0}
    states = add_proofs(folder)
    data = report_data(folder)
    proofs = data["proofs"]
    assert [proofs["states"][code] for code in proofs["codes"]] == states + [""] * (data["count"] - len(states))
    assert proofs["notes"]["0"].startswith("7 transfers and 9 cycles equal (array: 1 random cases; ")
    assert proofs["notes"]["2"].startswith(HOSTILE) and "then" in proofs["revisions"]
    assert page(data).count("<script>alert") == 0
