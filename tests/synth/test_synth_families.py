"""Yosys on small configurations of every family: what is known of their resources before any synthesis."""

import json
import time

import pytest

from hwsim.cli import main
from hwsim.cli.families import configuration
from hwsim.dsp_chain.config import ChainConfig
from hwsim.dsp_chain.dequant.config import DequantConfig
from rtl.synth import Resources, run, synthesise

pytestmark = pytest.mark.slow
SMALL = {"nm_array": {"rows": 2, "cols": 2}, "sore": {"preset": "small-8"}, "wuve": {"preset": "small-1"},
         "bitmap_decoder": {"preset": "int8-small"}, "dsp_chain": {"preset": "small-8"}}


def parts(found):
    return {part.module: part for part in found.components}


@pytest.mark.parametrize("family", SMALL)
def test_every_family_is_mapped_wholly(family):
    """No cell is left that the target does not have, and components add up."""
    found = synthesise(family, configuration(family, SMALL[family]))
    assert found.total.lut > 100 and found.total.ff > 100
    total = Resources()
    for part in found.components:
        total += part.own * part.instances
    assert total == found.total


@pytest.mark.parametrize(("fields", "dsps"), [({"preset": "small-8"}, 8), ({"length": 6, "group_length": 3, "m": 2}, 6),
                                              ({"component": "mpu", "preset": "small-2x8"}, 16)])
def test_one_dsp_slice_for_two_multiply_accumulates(fields, dsps):
    """A slice multiplies a weight with two activations; it takes neither look-up tables nor flip-flops beside it."""
    config = configuration("dsp_chain", fields)
    assert dsps == config.length * config.chains
    found = synthesise("dsp_chain", config)
    slices = [part for part in found.components if part.own.dsp]
    assert found.total.dsp == dsps == sum(part.instances for part in slices)
    assert all(part.whole == Resources(dsp=1) for part in slices)


def test_behaviour_would_take_the_multiplier_alone():
    """Why the slices are instances: inferred, adder and registers of a slice stand outside of it."""
    config = ChainConfig(length=4, group_length=2, m=2)
    named, inferred = (synthesise("dsp_chain", config, target) for target in ("ultrascale+", "xc7"))
    slices = [part for part in inferred.components if ".dsp" in part.module or "_dsp_" in part.module]
    assert named.total.dsp == 4 and sum(part.whole.lut + part.whole.ff for part in slices) > 0


def test_resources_of_the_dequantiser_counted_by_hand():
    """A lane: a product of 16 bits, whole part (16), half and rest, result of 8; its multiplier is a DSP slice.

    The gearbox: three words of 16 bits, level and two pointers of 2 bits, an offset of which 2 bits ever change.
    """
    config = DequantConfig.preset("small-4", buffer_words=3)
    found = parts(synthesise("dsp_chain", config))
    lane, gearbox = found["dsp_chain_lane"], found["dsp_chain.gearbox"]
    assert lane.instances == config.lanes and lane.own.ff == 16 + 16 + 2 + 8 and lane.own.dsp == 1
    assert gearbox.own.ff == 3 * 16 + 3 * 2 + 2 and gearbox.own.dsp == 0
    assert found["dsp_chain.results.bank"].own.ff == 4 * 8 + 1  # the word that was read; the rest is memory


@pytest.mark.parametrize(("target", "absorbed"), [("xc7", 16), ("ecp5", 0)])
def test_other_targets(target, absorbed):
    """Where Yosys can, a lane's product (16 bits) is held by the register of the DSP slice. The top's delays are shift
    registers in look-up tables where there are such.
    """
    config = DequantConfig.preset("small-4")
    here, there = (parts(synthesise("dsp_chain", config, each)) for each in ("ultrascale+", target))
    for name, part in here.items():
        expected = part.own.ff - (absorbed if name == "dsp_chain_lane" else 0)
        assert there[name].own.dsp == part.own.dsp, name
        assert there[name].own.ff == expected or (target == "ecp5" and name == "dsp_chain"), name


def test_flat_is_one_component_of_nearly_the_same_size():
    """Little can be optimised across the borders of this one: within 5 %."""
    config = DequantConfig.preset("small-4")
    kept, flat = (synthesise("dsp_chain", config, flat=each) for each in (False, True))
    assert len(flat.components) == 1 < len(kept.components)
    assert flat.total.dsp == kept.total.dsp and flat.total.ff <= kept.total.ff
    assert abs(flat.total.lut - kept.total.lut) <= 0.05 * kept.total.lut


def test_components_of_an_array_add_up_to_nearly_what_it_takes_flat():
    """Edges of the grid hand nothing on, so little is left to optimise across borders: each resource within 5 %."""
    kept, flat = (synthesise("nm_array", configuration("nm_array", {"rows": 4, "cols": 4}), flat=each).to_dict()
                  for each in (False, True))
    for name, wanted in flat["total"].items():
        assert wanted <= kept["total"][name] <= 1.05 * wanted, name
    counts = {row["component"]: row["instances"] for row in kept["components"]}
    grid = {"nm_array_pe_top": 4, "nm_array_pe": 12, "nm_array_a_hop": 12, "nm_array_w_hop": 12}
    assert grid.items() <= counts.items()


def test_what_was_synthesised_once_is_kept(monkeypatch, tmp_path):
    config = DequantConfig.preset("small-4", lanes=1, group=1)
    first = synthesise("dsp_chain", config)
    monkeypatch.setattr(run.find_yosys().__class__, "run", None)  # it would fail
    begun = time.monotonic()
    assert synthesise("dsp_chain", config).to_dict() == first.to_dict()
    assert time.monotonic() - begun < 10
    monkeypatch.setenv("HWSIM_CACHE", str(tmp_path))
    with pytest.raises(TypeError):
        synthesise("dsp_chain", config)


def test_the_command(capfd):
    words = ["synth", "dsp_chain", "--set", "component=dequant", "--set", "preset=small-4"]
    assert main([*words, "--json"]) == 0
    data = json.loads(capfd.readouterr().out)
    assert data["total"] == synthesise("dsp_chain", DequantConfig.preset("small-4")).to_dict()["total"]
    assert data["target"] == "ultrascale+" and data["units"]["dsp"] == "DSP48E2" and data["provenance"]
    assert main(words) == 0
    assert "dsp_chain_lane                    4" in capfd.readouterr().out
