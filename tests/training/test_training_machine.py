"""What no training accelerator can be; the place is the path that a user would set."""

import pytest

from hwsim.errors import InputError
from hwsim.training.machine import TrainingMachine

BF16 = {"array": {"data_type": "bf16"}, "sore": {"data_type": "bf16"}, "wuve": {"data_type": "bf16"}}


def changed(**tables):
    """The preset with some keys of its parts changed, or keys of its own."""
    mapping = TrainingMachine.preset("sat").to_mapping()
    for name, value in tables.items():
        mapping[name] = {**mapping[name], **value} if isinstance(value, dict) else value
    return TrainingMachine.from_mapping(mapping, "machine")


@pytest.mark.parametrize(("changes", "line"), [
    ({"array": {"data_type": "int8", "sum_stages": 1}}, "machine.array.data_type: wanted one of fp16, bf16"),
    ({"array": {"dataflow": "ws"}}, "machine.array.dataflow: wanted one of both"),
    ({"array": {"dataflow": "os"}}, "machine.array.dataflow: wanted one of both"),
    ({**BF16, "wuve": {}}, "machine.wuve.data_type: wanted one of bf16"),
    ({**BF16, "sore": {}}, "machine.sore.data_type: wanted one of bf16"),
    ({"line_bytes": 5}, "machine.line_bytes: wanted 64 to"), ({"line_bytes": -1}, "machine.line_bytes"),
    ({"line_bytes": 1 << 30}, "machine.line_bytes"), ({"clock_hz": 0.0}, "machine.clock_hz"),
    ({"sore": {"ratios": ["2:4"]}}, "ratio: wanted one of 1:1, 2:4")])
def test_what_cannot_train_is_refused(changes, line):
    with pytest.raises(InputError, match=line):
        changed(**changes)


def test_another_data_type_and_no_line_buffer_are_machines():
    assert changed(**BF16).array.data_type == "bf16"
    assert changed(line_bytes=0).line_bytes == 0
