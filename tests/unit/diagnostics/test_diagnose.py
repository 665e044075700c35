"""Planted defects: each is failed by the gate that is named, and good draws pass."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from hiermix.diagnostics import diagnose, scalar_table
from hiermix.gates import Verdict, judge

Arrays = dict[str, np.ndarray]


def verdict(fit, plan, policy: str = "publish") -> Verdict:
    return judge(diagnose(fit, plan), policy=policy, phases=["sampler"], lacks=fit.lacks)


def failed(fit, plan, policy: str = "publish") -> set[str]:
    return {f.gate for f in verdict(fit, plan, policy).findings if f.status == "fail"}


@pytest.mark.parametrize("seed", range(1, 9))
def test_good_draws_pass_under_publish(make_fit, plan, seed: int) -> None:
    found = verdict(make_fit(seed), plan)
    assert found.status == "pass"
    assert "rhat[group_specific]" in {f.gate for f in found.findings}


def stuck(post: Arrays) -> None:
    for values in post.values():
        values[2] = values[2, 0]


def elsewhere(post: Arrays) -> None:
    post["x"][3] += 3


def not_a_number(post: Arrays) -> None:
    post["1|g"][0, 5, 7] = math.nan


def infinite(post: Arrays) -> None:
    post["sigma"][1, 5] = math.inf


def copied(post: Arrays) -> None:
    for values in post.values():
        values[1] = values[0]


def constant(post: Arrays) -> None:
    post["alpha"][:] = 1.0


def absent(post: Arrays) -> None:
    del post["1|g_sigma"]


def slow(post: Arrays) -> None:
    post["sigma"][:] = np.cumsum(post["sigma"], axis=1) / 30


def rare_tail(post: Arrays) -> None:
    """One chain alone visits the tails, in one long stretch."""
    post["x"][0, 100:500] *= 8


@pytest.mark.parametrize(
    ("spoil", "gates"),
    [
        (stuck, {"integrity", "rhat[common]", "rhat[group_specific]"}),
        (elsewhere, {"rhat[common]", "ess_bulk[common]"}),
        (not_a_number, {"integrity", "rhat[group_specific]", "mcse[group_specific]"}),
        (infinite, {"integrity", "mcse[residual]"}),
        (copied, {"integrity"}),
        (constant, {"integrity", "rhat[auxiliary]", "mcse[auxiliary]"}),
        (absent, {"integrity", "rhat[group_sd]", "ess_bulk[group_sd]", "mcse[group_sd]"}),
        (slow, {"rhat[residual]", "ess_bulk[residual]", "ess_tail[residual]", "mcse[residual]"}),
        (rare_tail, {"ess_tail[common]", "rhat[common]"}),
    ],
)
def test_broken_draws_are_failed_by_the_gates_named(
    make_fit, plan, spoil: Callable[[Arrays], None], gates: set[str]
) -> None:
    assert gates <= failed(make_fit(spoil=spoil), plan)


def test_copied_chains_and_an_infinite_draw_escape_rhat(make_fit, plan) -> None:
    assert failed(make_fit(spoil=copied), plan) == {"integrity"}
    assert "rhat[residual]" not in failed(make_fit(spoil=infinite), plan)


@pytest.mark.parametrize("seed", range(1, 6))
def test_fifty_draws_are_failed_by_rhat_and_ess(make_fit, plan, seed: int) -> None:
    assert {"rhat[group_specific]", "ess_bulk[group_specific]", "ess_tail[group_specific]"} <= (
        failed(make_fit(seed, draws=50), plan)
    )


@pytest.mark.parametrize("cut", [{"chain": 3}, {"draw": 999}, {"draw": 0}])
def test_missing_chains_and_draws_are_failed_by_integrity(make_fit, plan, cut) -> None:
    assert "integrity" in failed(make_fit(cut=cut), plan)


def test_one_chain_cannot_pass_rhat(make_fit, plan) -> None:
    assert "rhat[common]" in failed(make_fit(chains=1), plan, "explore")


def diverging(stats: Arrays) -> None:
    stats["diverging"][0, 0] = True


def funnel(stats: Arrays) -> None:
    stats["energy"][1] = np.cumsum(stats["energy"][1])


def deep(stats: Arrays) -> None:
    stats["reached_max_treedepth"][:, :11] = True


@pytest.mark.parametrize(
    ("spoil", "gate"), [(diverging, "divergences"), (funnel, "ebfmi"), (deep, "treedepth")]
)
def test_a_sampler_in_trouble_is_failed_by_the_gate_named(
    make_fit, plan, spoil: Callable[[Arrays], None], gate: str
) -> None:
    assert failed(make_fit(spoil_stats=spoil), plan) == {gate}


def test_an_engine_without_energy_is_not_failed_for_it(make_fit, plan) -> None:
    lacks = frozenset({"energy", "tree_depth", "divergences"})
    fit = make_fit(lacks=lacks)
    del fit.tree["sample_stats"]
    found = verdict(fit, plan)
    assert found.status == "pass"
    assert {f.gate for f in found.findings if f.status == "not applicable"} == {
        *("divergences", "ebfmi", "treedepth")
    }


def test_without_any_groups_nothing_passes(make_fit, plan) -> None:
    fit = make_fit(draws=20)
    del fit.tree["posterior"], fit.tree["sample_stats"]
    found = verdict(fit, plan, "explore")
    assert {f.status for f in found.findings} == {"fail"}


def test_the_table_can_be_handed_in(make_fit, plan, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = make_fit(draws=50)
    table = scalar_table(fit, plan)
    expected = diagnose(fit, plan)
    monkeypatch.setattr("hiermix.diagnostics.scalar_table", None)
    assert diagnose(fit, plan, table) == expected
