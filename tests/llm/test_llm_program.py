"""Programs: text, files, joining and repeating."""

import json
import struct
import zlib

import numpy as np
import pytest
from drawn_programs import legal

from hwsim.errors import InputError
from hwsim.llm.assembly import assemble, disassemble
from hwsim.llm.isa import INSTRUCTION, Buffer, Flag, Function, Opcode, instructions, mask
from hwsim.llm.program import MAGIC, Program, concatenate, is_program, read_program, repeated, write_program

LAYERS = ("embed", "0/attention", "0/mlp", "1/attention", "")
TEXT = """\
# a comment
LD release=MV buffer=A length=0x1000 channels=8   # behind an instruction
layer scores
MV wait=LD release=MISC+ST k=256 flags=SPARSE+OUTPUT work=0.5
misc wait=mv function=softmax k=16 out=0b11
layer -
ST wait=MV length=32
SYS
"""


def drawn(seed, count=200):
    return Program(legal(np.random.default_rng(seed), count), LAYERS, f"seed {seed}", {"seed": seed})


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in INSTRUCTION.names)


def test_text_by_hand():
    rows, layers = assemble(TEXT)
    assert layers == ("", "scores")
    assert rows["op"].tolist() == [Opcode.LD, Opcode.MV, Opcode.MISC, Opcode.ST, Opcode.SYS]
    assert rows["layer"].tolist() == [0, 1, 1, 0, 0]
    expected = instructions(Opcode.MV, wait=mask(Opcode.LD), release=mask(Opcode.MISC, Opcode.ST), k=256, layer=1,
                            flags=Flag.SPARSE | Flag.OUTPUT, work=0.5)
    assert same(rows[1:2], expected)
    assert (rows[0]["buffer"], rows[0]["length"], rows[0]["loops"], rows[0]["ratio"]) == (Buffer.A, 4096, 1, 1)
    assert (rows[2]["function"], rows[2]["out"]) == (Function.SOFTMAX, 3)


@pytest.mark.parametrize("seed", range(5))
def test_text_comes_back(seed):
    program = drawn(seed)
    rows, layers = assemble(program.text)
    assert [layers[k] for k in rows["layer"]] == [LAYERS[k] for k in program.instructions["layer"]]
    rows["layer"] = program.instructions["layer"]
    assert same(rows, program.instructions), seed


@pytest.mark.parametrize(("line", "message"), [
    ("FOO x=1", "prog.txt: line 3: wanted one of LD, ST, MM, MV, MISC, SYS, got FOO"),
    ("LD lenght=4", "(did you mean 'length'?), got lenght=4"),
    ("LD length", "line 3: wanted fields of LD as name=value"),
    ("SYS k=1", "line 3: wanted fields of SYS as name=value: wait, release, got k=1"),
    ("LD length=1 length=1", "line 3: wanted length once"),
    ("LD length=-1", "line 3: length: wanted 0 to 4294967295, got -1"),
    ("LD length=many", "line 3: length: wanted a whole number, got many"),
    ("LD ratio=x", "line 3: ratio: wanted a number, got x"),
    ("LD ratio=nan", "line 3 (LD): ratio: wanted a finite number above 0, got nan"),
    ("LD wait=MW", "line 3: wait: wanted one of LD, ST, MM, MV, MISC, SYS, got MW"),
    ("LD wait=LD", "line 3 (LD): wait: wanted tokens of the other five queues"),
    ("MV flags=DENSE", "line 3: flags: wanted one of SPARSE, BIAS, RELU, OUTPUT"),
    ("MM work=0.5", "line 3 (MM): work: wanted 1 without the flag SPARSE, got 0.5"),
    ("layer a b", "line 3: wanted layer and one name, got layer a b"),
])
def test_errors_of_text_name_the_line(line, message):
    with pytest.raises(InputError) as caught:
        assemble(f"SYS\n\n{line}\n", "prog.txt")
    assert message in str(caught.value)


def test_joined_programs_share_layers_by_name():
    a = Program(instructions(Opcode.LD, 2, layer=[0, 1]), ("x", "y"), "a")
    b = Program(instructions(Opcode.ST, 3, layer=[0, 1, 1]), ("y", "z"), "b")
    both = concatenate([a, b])
    assert both.layers == ("x", "y", "z") and both.name == "a+b"
    assert both.instructions["layer"].tolist() == [0, 1, 1, 2, 2]
    assert b.instructions["layer"].tolist() == [0, 1, 1]  # untouched
    assert len(concatenate([])) == 0


def test_repeated_is_what_concatenate_gives():
    program = drawn(3, 20)
    assert same(repeated(program, 4).instructions, concatenate([program] * 4).instructions)
    assert len(repeated(program, 0)) == 0
    with pytest.raises(InputError, match="times"):
        repeated(program, -1)


def test_a_layer_without_name_is_refused():
    with pytest.raises(InputError, match="program: layer: wanted below 1, the number of layers, got 3"):
        Program(instructions(Opcode.SYS, layer=3))
    with pytest.raises(InputError, match="one-dimensional array of INSTRUCTION"):
        Program(np.zeros(3))


@pytest.mark.parametrize("seed", range(3))
def test_files(tmp_path, seed):
    program, file = drawn(seed), tmp_path / "a.prog"
    write_program(file, program)
    assert is_program(file)
    back = read_program(file)
    assert same(back.instructions, program.instructions)
    assert (back.layers, back.name, back.notes) == (program.layers, program.name, {"seed": seed})
    write_program(tmp_path / "b.prog", back)
    assert (tmp_path / "b.prog").read_bytes() == file.read_bytes()
    assert back.nbytes == 4 * json.loads(file.read_bytes()[12:].split(b"x\x01")[0])["words"]


def test_text_files_are_programs_too(tmp_path):
    file = tmp_path / "by_hand.txt"
    file.write_text(TEXT)
    program = read_program(file)
    assert program.name == "by_hand" and len(program) == 5 and not is_program(file)
    assert same(program.instructions, assemble(TEXT)[0])


def test_every_cut_file_is_refused(tmp_path):
    file, cut = tmp_path / "a.prog", tmp_path / "cut.prog"
    write_program(file, drawn(0, 5))
    data = file.read_bytes()
    for length in [*range(16), *range(16, len(data), 7), len(data) - 1]:
        cut.write_bytes(data[:length])
        with pytest.raises(InputError):
            read_program(cut)
    cut.write_bytes(data + b"\0")
    with pytest.raises(InputError, match="cut off or damaged"):
        read_program(cut)


@pytest.mark.parametrize(("change", "message"), [
    (lambda data, _: data[:7] + b"\x02" + data[8:], "version: wanted 1, got 2"),
    (lambda data, _: b"PK\x03\x04\0" + data, "wanted a program file or assembler text, got neither"),
    (lambda data, _: b"\xff\xfe" + data, "wanted a program file or assembler text, got neither"),
    (lambda data, end: data[:12] + b"[" * (end - 12) + data[end:], "header: wanted name, layers, notes and counts"),
    (lambda data, end: data[:end + 20] + bytes([data[end + 20] ^ 255]) + data[end + 21:], "damaged"),
    (lambda data, end: data[:end] + zlib.compress(b"12"), "damaged"),
])
def test_damaged_files(tmp_path, change, message):
    file = tmp_path / "a.prog"
    write_program(file, drawn(1, 30))
    data = file.read_bytes()
    assert data.startswith(MAGIC)
    file.write_bytes(change(data, 12 + struct.unpack("<I", data[8:12])[0]))
    with pytest.raises(InputError) as caught:
        read_program(file)
    assert message in str(caught.value)


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(InputError, match="a readable program"):
        read_program(tmp_path / "none.prog")
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(InputError, match="at least one instruction"):
        read_program(tmp_path / "empty")
    assert not is_program(tmp_path / "none.prog")
    with pytest.raises(InputError, match="a file that can be written"):
        write_program(tmp_path / "no" / "a.prog", drawn(0, 1))


def test_disassembly_names_layers_where_they_change():
    rows = instructions(Opcode.SYS, 4, layer=[1, 1, 0, 1])
    assert disassemble(rows, ("", "b")) == ["layer b", "SYS", "SYS", "layer -", "SYS", "layer b", "SYS"]
    assert disassemble(rows) == ["SYS"] * 4
