"""Binary instructions: what is encoded comes back, and nothing else is taken for an instruction."""

import numpy as np
import pytest
from drawn_programs import legal

from hwsim.errors import InputError
from hwsim.llm.encoding import LAYOUT, decode, encode
from hwsim.llm.isa import INSTRUCTION, SIDE, WORDS, Buffer, Flag, Opcode, instruction_bytes, instructions, mask

STORED = [name for name in INSTRUCTION.names if name not in SIDE]


def test_bits_of_the_layout_are_used_once():
    for op in Opcode:
        used = {(0, bit) for bit in range(18, 32)}  # opcode, wait and release
        for name, word, low, bits, _ in LAYOUT[op]:
            mine = {(word, bit) for bit in range(low, low + bits)}
            assert not mine & used, (op.name, name)
            assert word < WORDS[op] and low + bits <= 32
            used |= mine


def test_words_of_the_instructions_are_those_of_the_artifact():
    assert dict(zip(Opcode, WORDS.tolist(), strict=True)) == {
        Opcode.LD: 7, Opcode.ST: 3, Opcode.MM: 4, Opcode.MV: 4, Opcode.MISC: 3, Opcode.SYS: 1}


@pytest.mark.parametrize("seed", range(10))
def test_round_trip(seed):
    program = legal(np.random.default_rng(seed), 300)
    words = encode(program)
    assert words.dtype == np.uint32 and 4 * len(words) == instruction_bytes(program["op"])
    back = decode(words)
    assert len(back) == len(program)
    for name in STORED:
        assert np.array_equal(back[name], program[name]), (seed, name)
    assert np.array_equal(encode(back), words)


@pytest.mark.parametrize("seed", range(3))
def test_every_bit_of_a_word_counts(seed):
    """A flipped bit is refused or gives another program: no bit is ignored."""
    rng = np.random.default_rng(seed)
    program = legal(rng, 40)
    words = encode(program)
    refused = 0
    for bit in rng.choice(32 * len(words), 60, replace=False):
        broken = words.copy()
        broken[bit // 32] ^= np.uint32(1 << (bit % 32))
        try:
            assert not np.array_equal(encode(decode(broken)), words), (seed, bit)
        except InputError:
            refused += 1
    assert 0 < refused < 60


def test_one_instruction_by_hand():
    load = instructions(Opcode.LD, wait=mask(Opcode.SYS), release=mask(Opcode.MV), buffer=Buffer.A, channels=8, bank=5,
                        length=4096, hbm=(3 << 32) + 7)
    tokens = 1 << 31 - 4 | 1 << 20  # wait: SYS is the highest of five bits; release: MV the third lowest
    assert encode(load).tolist() == [1 << 28 | tokens | 4 << 15 | 7 << 3, 5 << 16, 4096, 7, 3, 0, 0]


BAD = [
    (Opcode.LD, {"wait": mask(Opcode.LD)}, "instruction 1 (LD): wait", "other five queues"),
    (Opcode.MV, {"release": 0x40}, "instruction 1 (MV): release", "other five queues"),
    (Opcode.LD, {"k": 1}, "instruction 1 (LD): k", "LD has no such field"),
    (Opcode.LD, {"hbm": 1 << 34}, "instruction 1 (LD): hbm", "0 to 17179869183"),
    (Opcode.LD, {"loops": 0}, "instruction 1 (LD): loops", "1 to 4096"),
    (Opcode.LD, {"buffer": 6}, "instruction 1 (LD): buffer", "0 to 5"),
    (Opcode.LD, {"channel": 25, "channels": 8}, "instruction 1 (LD): channels", "last channel below 32"),
    (Opcode.LD, {"cross": 1, "channels": 2}, "instruction 1 (LD): cross", "0 for several channels"),
    (Opcode.LD, {"zero": 1, "ratio": 2}, "instruction 1 (LD): zero", "compressed"),
    (Opcode.LD, {"ratio": 0}, "instruction 1 (LD): ratio", "above 0"),
    (Opcode.LD, {"ratio": np.nan}, "instruction 1 (LD): ratio", "above 0"),
    (Opcode.ST, {"bank": 4096}, "instruction 1 (ST): bank", "0 to 4095"),
    (Opcode.ST, {"length": 1 << 18}, "instruction 1 (ST): length", "0 to 262143"),
    (Opcode.MM, {"k": 1 << 14}, "instruction 1 (MM): k", "0 to 16383"),
    (Opcode.MM, {"work": 0.5}, "instruction 1 (MM): work", "SPARSE"),
    (Opcode.MV, {"work": 1.5, "flags": Flag.SPARSE}, "instruction 1 (MV): work", "0 to 1"),
    (Opcode.MISC, {"function": 9}, "instruction 1 (MISC): function", "0 to 8"),
    (Opcode.SYS, {"a": 1}, "instruction 1 (SYS): a", "SYS has no such field"),
]


@pytest.mark.parametrize(("op", "fields", "place", "wanted"), BAD)
def test_what_has_no_encoding_is_refused(op, fields, place, wanted):
    program = np.concatenate([instructions(Opcode.SYS), instructions(op, **fields)])
    with pytest.raises(InputError) as caught:
        encode(program)
    assert caught.value.place == place and wanted in caught.value.wanted


def test_unknown_opcode():
    program = instructions(Opcode.SYS, 2)
    program["op"][1] = 6
    with pytest.raises(InputError, match=r"instruction 1 \(\?\): op: wanted an opcode, 0 to 5, got 6"):
        encode(program)


def test_words_that_are_no_program():
    words = encode(instructions(Opcode.MISC, 2, k=3))
    with pytest.raises(InputError, match=r"words: instruction 1 \(MISC\): wanted 3 words, got 1, then the end"):
        decode(words[:4])
    for word, code in ((0, 0), (0xFFFFFFFF, 15), (7 << 28, 7)):
        with pytest.raises(InputError, match=rf"words: word 6: wanted an opcode in bits 31:28, 1 to 6, got {code}"):
            decode(np.append(words, np.uint32(word)))
    with pytest.raises(InputError, match=r"instruction 1 \(MISC\): reserved bits of word 2: wanted 0, got 0x00000001"):
        decode(words | np.array([0, 0, 0, 0, 0, 1], np.uint32))
    assert len(decode(np.zeros(0, np.uint32))) == 0


def test_fields_that_do_not_fit_a_row():
    with pytest.raises(InputError, match="MV bank: wanted 0 to 65535, got 65536"):
        instructions(Opcode.MV, bank=65536)
    with pytest.raises(InputError, match="LD length: wanted 0 to 4294967295, got -1"):
        instructions(Opcode.LD, 2, length=[3, -1])
    with pytest.raises(InputError, match="LD length: wanted whole numbers"):
        instructions(Opcode.LD, length=0.5)
    with pytest.raises(InputError, match="did you mean 'length'"):
        instructions(Opcode.LD, lenght=1)
