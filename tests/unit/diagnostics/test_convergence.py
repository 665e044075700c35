import math

import pandas as pd
import pytest

from hiermix.diagnostics.convergence import convergence
from hiermix.measurement import Measurement


def table(**columns: list[float]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    good = {
        "sd": [2.0] * n,
        "rhat": [1.0] * n,
        "ess_bulk": [4000.0] * n,
        "ess_tail": [3000.0] * n,
        "mcse_mean": [0.1] * n,
        "rhat_by_chance": [1.02] * n,
    }
    names = [f"v{i}" for i in range(n)]
    return pd.DataFrame({"variable": names, "role": "common", **good, **columns})


def measured(rows: pd.DataFrame) -> dict[str, Measurement]:
    return {m.metric: m for m in convergence(rows, n_chains=4)}


def test_the_worst_parameter_of_each_statistic_is_named() -> None:
    found = measured(
        table(
            ess_bulk=[4000.0, 800.0, 900.0],
            ess_tail=[400.0, 900.0, 900.0],
            mcse_mean=[0.1, 0.1, 0.3],
        )
    )
    assert (found["ess_bulk_per_chain"].variable, found["ess_bulk_per_chain"].value) == ("v1", 200)
    assert (found["ess_tail_per_chain"].variable, found["ess_tail_per_chain"].value) == ("v0", 100)
    assert found["mcse_mean_per_sd"].variable == "v2"
    assert found["mcse_mean_per_sd"].value == pytest.approx(0.15)
    assert found["ess_bulk_per_chain"].note == "800 over 4 chains, worst of 3 parameters"


def test_rhat_above_its_own_chance_goes_before_a_larger_one_that_chance_explains() -> None:
    found = measured(table(rhat=[1.018, 1.012, 1.0], rhat_by_chance=[1.02, 1.011, 1.02]))
    assert (found["rhat"].variable, found["rhat"].value) == ("v1", 1.012)
    assert (found["rhat_by_chance"].variable, found["rhat_by_chance"].value) == ("v1", 1.011)


def test_of_several_above_their_chance_the_largest_rhat_is_named() -> None:
    found = measured(table(rhat=[1.012, 1.3, 1.2], rhat_by_chance=[1.002, 1.02, 1.02]))
    assert found["rhat"].variable == "v1"


def test_if_chance_explains_all_the_largest_rhat_is_shown() -> None:
    found = measured(table(rhat=[1.001, 1.013, 1.002]))
    assert (found["rhat"].variable, found["rhat_by_chance"].value) == ("v1", 1.02)


@pytest.mark.parametrize("column", ["rhat", "ess_bulk", "ess_tail", "mcse_mean"])
def test_nan_is_the_worst(column: str) -> None:
    bad = {"rhat": 9.0, "ess_bulk": 1.0, "ess_tail": 1.0, "mcse_mean": 1.0}[column]
    found = list(convergence(table(**{column: [bad, math.nan, bad]}), n_chains=4))
    nan = [m for m in found if math.isnan(m.value)]
    assert [m.variable for m in nan] == ["v1"]


def test_a_constant_parameter_has_no_mcse_share() -> None:
    found = measured(table(sd=[2.0, 0.0], mcse_mean=[0.1, 0.0]))
    assert found["mcse_mean_per_sd"].variable == "v1"
    assert math.isnan(found["mcse_mean_per_sd"].value)


def test_each_role_is_measured_apart() -> None:
    rows = table(ess_bulk=[4000.0, 800.0])
    rows["role"] = ["common", "residual"]
    found = [m for m in convergence(rows, n_chains=4) if m.metric == "ess_bulk_per_chain"]
    assert [(m.scope, m.value) for m in found] == [("common", 1000), ("residual", 200)]
