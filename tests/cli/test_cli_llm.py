"""``hwsim llm`` and files that exist."""

from hwsim.cli import main


def test_a_program_is_kept_unless_forced(tmp_path, capfd):
    file = tmp_path / "step.prog"
    words = ["llm", "llama2-7b", "--decode-at", "16", "-o", str(file), "--json"]
    file.write_bytes(b"mine")
    assert main(words) == 2
    assert str(file) in capfd.readouterr().err and file.read_bytes() == b"mine"
    assert main([*words, "--force"]) == 0
    assert file.stat().st_size > 1000
