"""``hwsim verify --from``: a point's own hardware is built and compared, and the outcome stands beside its row."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sweep.sweep_cases import SMALL, written

from hwsim.cli import main
from hwsim.experiment import Experiment
from hwsim.sweep.proofs import PROOFS, add_proof, sources, with_proofs
from hwsim.sweep.query import query
from hwsim.sweep.store import part_files, read_table, write_parquet
from rtl.nm_array.array import NmArray
from rtl.nm_array.family import NmArrayFamily

ONE = SMALL.replace("rows = [2, 4]", "rows = [2]").replace("log2 = [2, 8]", "log2 = [2, 2]")


@pytest.fixture
def folder(tmp_path):
    assert main(["sweep", str(written(tmp_path, ONE)), "-o", str(tmp_path / "out"), "--workers", "0"]) == 0
    return tmp_path / "out"


def proved(folder, *more):
    return main(["verify", "--from", str(folder), "--engine", "amaranth", "--cases", "2", *more])


@pytest.mark.slow
def test_a_point_is_proven_and_the_table_says_so(folder, capsys):
    row = read_table(folder).to_pylist()[0]
    capsys.readouterr()
    assert proved(folder, "--point", row["point"][:10], "--json", "--seed", "3") == 0
    [proof] = json.loads(capsys.readouterr().out)["proofs"]
    config = Experiment.from_mapping(json.loads(row["inputs"])).accelerator.config
    assert [part["verified"] for part in proof["parts"]] == [[config.to_mapping()]] * 2
    array, layer = proof["parts"]
    assert array["cases"] == 2 and layer["cases"] == 1 and min(array["transfers"], layer["transfers"]) > 100
    shown = query(folder, 'SELECT point, proven, "proof.seed", "proof.transfers", "proof.mismatches" FROM points '
                          "WHERE proven IS NOT NULL")[1]  # fmt: skip
    assert shown == [(row["point"], True, 3, proof["transfers"], 0)]


@pytest.mark.slow
def test_other_hardware_than_the_points_is_a_failure_that_another_seed_does_not_undo(folder, monkeypatch, capsys):
    point = read_table(folder)["point"][0].as_py()
    def deeper(family, config):
        return NmArray(config.replace(product_stages=config.product_stages + 1))

    with monkeypatch.context() as patched:
        patched.setattr(NmArrayFamily, "component", deeper)
        assert proved(folder, "--point", point) == 1
    assert "DISPROVEN" in capsys.readouterr().out
    assert proved(folder, "--point", point, "--seed", "1") == 0
    found = query(folder, 'SELECT "proof.status", "proof.mismatches" > 0 FROM points WHERE NOT proven')[1]
    assert found == [("disproven", True)] and len(list((folder / PROOFS).glob("*.json"))) == 2


def test_a_row_that_the_program_does_not_give_is_outdated(folder, capsys):
    [file] = part_files(folder)
    table = pq.read_table(file)
    more = pa.array([value.as_py() + 1 for value in table["metric.cycles"]])
    write_parquet(file, table.set_column(table.schema.get_field_index("metric.cycles"), "metric.cycles", more))
    assert proved(folder, "--front") == 1
    assert "OUTDATED, nothing was built: cycles is" in capsys.readouterr().out
    assert set(query(folder, 'SELECT "proof.status", "proof.transfers" FROM points WHERE NOT proven')[1]) == {
        ("outdated", 0)}  # fmt: skip


@pytest.mark.parametrize(("more", "said"), [
    ([], "--point ID or --front"), (["--point", "x"], "none begins with"), (["--point", ""], "none begins with"),
    (["--front", "--set", "rows=2"], "the point says all"), (["nm_array", "--front"], "no FAMILY"),
    (["--front", "--largest", "3"], "0 such and 1 others")])  # fmt: skip
def test_what_cannot_be_proven_is_said_in_one_line(folder, capsys, more, said):
    capsys.readouterr()
    assert main(["verify", *more[:1], *more[1:], "--from", str(folder)]) == 2
    output, errors = capsys.readouterr()
    assert output == "" and errors.count("\n") == 1 and said in errors
    assert not (folder / PROOFS).exists()


def test_a_proof_of_another_revision_or_of_other_sources_is_stale(folder, monkeypatch):
    table = read_table(folder)
    counts = dict.fromkeys(("transfers", "mismatches", "cycles", "cases", "seed"), 1)
    for point, revision in zip(table["point"].to_pylist(), ("then", table["revision"][0].as_py()), strict=False):
        add_proof(folder, {"point": point, "status": "proven", "sources": sources(), "revision": revision,
                           "engine": "e", "failure": None, "parts": [], **counts})  # fmt: skip
    assert with_proofs(table, folder)["proof.stale"].to_pylist() == [True, False]
    monkeypatch.setattr("hwsim.sweep.proofs.sources", lambda: "changed since")
    assert with_proofs(table, folder)["proof.stale"].to_pylist() == [True, True]
    (folder / PROOFS / "0.json").write_text("{")
    assert main(["query", str(folder)]) == 2
