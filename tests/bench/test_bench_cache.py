"""The build cache: found by content, complete or absent, safe among processes."""

import multiprocessing
import threading

import pytest

from rtl.bench.cache import built, cache_root, key_of


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HWSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_folder_follows_the_environment(monkeypatch, tmp_path, own_cache):
    assert cache_root() == own_cache
    monkeypatch.delenv("HWSIM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "hwsim"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_root() == tmp_path / "home" / ".cache" / "hwsim"


def test_keys_tell_apart_where_one_text_ends():
    assert key_of(["ab", "c"]) != key_of(["a", "bc"]) != key_of(["abc"])
    assert key_of(["ab", "c"]) == key_of(["ab", "c"])


def test_a_build_happens_once_and_a_failed_one_leaves_nothing(own_cache):
    calls = []

    def build(folder):
        calls.append(folder)
        (folder / "made").write_text("whole")
        if len(calls) == 1:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        built("kind", "key", build)
    assert list((own_cache / "kind").iterdir()) == []
    place = built("kind", "key", build)
    assert built("kind", "key", build) == place and len(calls) == 2
    assert list((own_cache / "kind").iterdir()) == [place] and (place / "made").read_text() == "whole"


def test_two_builds_at_once_give_one_whole_result(own_cache):
    barrier, places = threading.Barrier(2), []

    def build(folder):
        (folder / "made").write_text("whole")
        barrier.wait(10)

    def one():
        places.append(built("kind", "key", build))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert places[0] == places[1] and list((own_cache / "kind").iterdir()) == [places[0]]
    assert (places[0] / "made").read_text() == "whole"


def _build_and_run(count):
    from bench_devices import CreditPipeline

    from rtl.bench import Stimulus, build_bench

    bench = build_bench(CreditPipeline, engine="cxxrtl", name="pipeline")
    (seen,) = bench.run([Stimulus(tokens={"i": list(range(count))}, expect={"o": count}, limit=100)])
    return seen.value["o"], str(bench.build_dir)


@pytest.mark.slow
def test_processes_that_build_the_same_device_share_it(own_cache):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        (first, place), (second, same) = pool.map(_build_and_run, [5, 6])
    assert (first, second) == (list(range(5)), list(range(6))) and place == same
    assert len(list((own_cache / "cxxrtl").iterdir())) == 1
