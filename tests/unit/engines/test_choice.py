import numpy as np
import pandas as pd
import pytest
from model_support import panel, plan_of

from hiermix.engines import choose_engine, engines_after
from hiermix.engines.exact.size import MAX_OTHER
from hiermix.engines.nutpie_chains import chain_seed
from hiermix.errors import EngineError, UsageError


def test_auto_takes_the_first_engine_that_can():
    engine, refused = choose_engine("auto", plan_of(panel(), "y ~ x"))
    assert engine.name == "exact"
    assert refused == {}
    engine, refused = choose_engine("auto", plan_of(panel(), "hit ~ x", family="bernoulli"))
    assert engine.name == "nuts"
    assert refused == {"exact": ("family bernoulli: only gaussian has the closed form",)}


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x + (1 | g)", {"family": "t"}, "family t"),
        ("positive ~ x", {"link": "log"}, "link log"),
        ("y ~ x", {"components": {"sigma": "~ z"}}, "sigma is modelled"),
        ("truncated(y, lb=-50) ~ x", {}, "the response is truncated"),
        ("y ~ x", {"priors": {"x": "StudentT(4, 0, 1)"}}, "the prior of x is StudentT, not Normal"),
        ("y ~ x", {"bounds": {"x": [0, None]}}, "the prior of x is TruncatedNormal, not Normal"),
    ],
)
def test_exact_says_why_it_cannot(formula, options, reason):
    plan = plan_of(panel(), formula, **options)
    engine, refused = choose_engine("auto", plan)
    assert engine.name == "nuts"
    assert refused["exact"][0].startswith(reason)
    with pytest.raises(EngineError, match="engine exact cannot fit this model: ") as caught:
        choose_engine("exact", plan)
    assert reason in caught.value.message


def test_exact_refuses_factors_that_are_too_large_to_cross():
    n = 2 * (MAX_OTHER + 1)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"y": rng.normal(size=n), "x": rng.normal(size=n)})
    table["a"] = [f"a{i // 2}" for i in range(n)]
    table["b"] = [f"b{i % (MAX_OTHER + 1)}" for i in range(n)]
    _, refused = choose_engine("auto", plan_of(table, "y ~ x + (1 | a) + (1 | b)"))
    assert "2,501 group-specific effects beside those of the largest factor" in refused["exact"][0]
    engine, _ = choose_engine("auto", plan_of(table, "y ~ x + (1 | a)"))
    assert engine.name == "exact"


def test_an_unknown_engine_is_named_with_those_there_are():
    with pytest.raises(UsageError) as caught:
        choose_engine("magic", plan_of(panel(), "y ~ x"))
    assert "auto, exact, nuts" in caught.value.message
    assert caught.value.exit_code == 2


def test_auto_alone_lets_a_later_engine_take_over():
    plan = plan_of(panel(), "y ~ x")
    assert engines_after("auto", "exact", plan) == ("nuts",)
    assert engines_after("auto", "nuts", plan) == ()
    assert engines_after("exact", "exact", plan) == ()


def test_seeds_of_chains_differ_and_do_not_depend_on_their_number():
    seeds = [chain_seed(1, chain) for chain in range(4)]
    assert len(set(seeds)) == 4
    assert chain_seed(1, 2) == seeds[2]
    assert chain_seed(2, 0) not in seeds
    assert all(0 <= seed < 2**63 for seed in seeds)
