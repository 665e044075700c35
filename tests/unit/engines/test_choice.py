import pytest
from model_support import panel, plan_of

from hiermix.engines import choose_engine
from hiermix.engines.nutpie_chains import chain_seed
from hiermix.errors import EngineError


def test_auto_takes_the_first_engine_that_can():
    engine, refused = choose_engine("auto", plan_of(panel(), "y ~ x"))
    assert engine.name == "nuts"
    assert refused == {}


def test_an_unknown_engine_is_named_with_those_there_are():
    with pytest.raises(EngineError) as caught:
        choose_engine("magic", plan_of(panel(), "y ~ x"))
    assert "auto, nuts" in caught.value.message
    assert caught.value.exit_code == 4


def test_seeds_of_chains_differ_and_do_not_depend_on_their_number():
    seeds = [chain_seed(1, chain) for chain in range(4)]
    assert len(set(seeds)) == 4
    assert chain_seed(1, 2) == seeds[2]
    assert chain_seed(2, 0) not in seeds
    assert all(0 <= seed < 2**63 for seed in seeds)
