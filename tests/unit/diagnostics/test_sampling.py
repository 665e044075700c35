import math

import arviz_stats.base as azb
import numpy as np
import pytest

from hiermix.diagnostics.sampling import sampling
from hiermix.measurement import Measurement


def measured(fit) -> dict[str, Measurement]:
    return {m.metric: m for m in sampling(fit)}


def test_good_chains_have_no_divergences_and_an_ebfmi_near_two(make_fit) -> None:
    found = measured(make_fit())
    assert (found["divergences"].value, found["divergences"].variable) == (0, "all chains")
    assert found["treedepth_share"].value == 0
    # Independent energies have mean squared steps of twice their variance.
    assert found["ebfmi"].value == pytest.approx(2, rel=0.2)


def test_divergences_are_counted_and_their_chains_are_named(make_fit) -> None:
    def spoil(stats: dict[str, np.ndarray]) -> None:
        stats["diverging"][0, 3] = True
        stats["diverging"][2, :4] = True

    found = measured(make_fit(spoil_stats=spoil))["divergences"]
    assert (found.value, found.variable) == (5, "chains 0, 2")
    assert found.note == "0.12% of 4,000 draws"


def test_ebfmi_is_that_of_arviz_for_the_lowest_chain(make_fit) -> None:
    def spoil(stats: dict[str, np.ndarray]) -> None:
        stats["energy"][1] = np.cumsum(stats["energy"][1])

    fit = make_fit(spoil_stats=spoil)
    found = measured(fit)["ebfmi"]
    theirs = azb.array_stats.bfmi(fit.tree["sample_stats"]["energy"].to_numpy())
    assert found.variable == "chain 1"
    assert found.value == pytest.approx(theirs.min(), rel=1e-12)
    assert found.value < 0.1


def test_the_share_at_maximum_tree_depth_is_over_all_draws(make_fit) -> None:
    def spoil(stats: dict[str, np.ndarray]) -> None:
        stats["reached_max_treedepth"][3, :200] = True

    found = measured(make_fit(spoil_stats=spoil))["treedepth_share"]
    assert (found.value, found.variable) == (0.05, "chain 3")


@pytest.mark.parametrize(
    ("name", "metric", "lack"),
    [
        ("diverging", "divergences", "divergences"),
        ("energy", "ebfmi", "energy"),
        ("reached_max_treedepth", "treedepth_share", "tree_depth"),
    ],
)
def test_what_was_not_recorded_is_nan_unless_the_engine_lacks_it(
    make_fit, name: str, metric: str, lack: str
) -> None:
    found = measured(make_fit(spoil_stats=lambda stats: stats.pop(name)))
    assert math.isnan(found[metric].value)
    assert found[metric].note == "the engine did not record it"
    lacking = make_fit(spoil_stats=lambda stats: stats.pop(name), lacks=frozenset({lack}))
    assert metric not in measured(lacking)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_energy_that_is_not_finite_is_nan(make_fit, value: float) -> None:
    def spoil(stats: dict[str, np.ndarray]) -> None:
        stats["energy"][2, 5] = value

    found = measured(make_fit(spoil_stats=spoil))["ebfmi"]
    assert math.isnan(found.value)
    assert found.note == "not finite in some draws"


def test_constant_energy_never_passes(make_fit) -> None:
    def spoil(stats: dict[str, np.ndarray]) -> None:
        stats["energy"][2] = 1.0

    found = measured(make_fit(spoil_stats=spoil))["ebfmi"]
    assert not math.isfinite(found.value)
    assert found.variable == "chain 2"


def test_a_record_of_fewer_draws_than_asked_for_is_nan(make_fit) -> None:
    found = measured(make_fit(cut={"draw": 900}))
    assert all(math.isnan(m.value) for m in found.values())
    assert "(4, 900)" in found["divergences"].note


def test_without_sample_stats_everything_is_nan(make_fit) -> None:
    fit = make_fit()
    del fit.tree["sample_stats"]
    assert all(math.isnan(m.value) for m in sampling(fit))
