import numpy as np
import pytest

from hiermix.diagnostics.integrity import integrity


def defects(fit, plan) -> list[tuple[str, float, str]]:
    found = list(integrity(fit, plan))
    assert {(m.metric, m.scope) for m in found} == {("integrity_defects", "run")}
    assert len(found) == 5
    return [(m.variable, m.value, m.note) for m in found if m.value]


def test_good_draws_have_no_defects(make_fit, plan) -> None:
    assert defects(make_fit(draws=50), plan) == []


def test_missing_draws_are_counted(make_fit, plan) -> None:
    fit = make_fit(draws=50, cut={"draw": 30})
    assert defects(fit, plan) == [("draws", 80, "4 of 4 chains, 30 of 50 draws in each")]


def test_a_missing_chain_is_counted(make_fit, plan) -> None:
    fit = make_fit(draws=50, cut={"chain": 3})
    assert defects(fit, plan) == [("draws", 50, "3 of 4 chains, 50 of 50 draws in each")]


def test_no_draws_at_all_are_counted(make_fit, plan) -> None:
    assert defects(make_fit(draws=50, cut={"draw": 0}), plan)[0][1] == 200


def test_chains_and_draws_swapped_are_not_what_was_asked_for(make_fit, plan) -> None:
    fit = make_fit(chains=4, draws=5)
    fit.tree["posterior"] = make_fit(chains=5, draws=4).tree["posterior"]
    assert defects(fit, plan)[0][:2] == ("draws", 1)


def test_a_missing_parameter_is_named(make_fit, plan) -> None:
    fit = make_fit(draws=50, spoil=lambda post: post.pop("f"))
    assert defects(fit, plan) == [("f[b] and 1 more", 2, "not in the posterior")]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_single_draw_that_is_not_finite_is_found(make_fit, plan, value: float) -> None:
    def spoil(post: dict[str, np.ndarray]) -> None:
        post["1|g"][2, 17, 5] = value

    assert defects(make_fit(draws=50, spoil=spoil), plan) == [("1|g[L005]", 1, "not finite")]


def test_a_chain_that_never_moves_is_found(make_fit, plan) -> None:
    def spoil(post: dict[str, np.ndarray]) -> None:
        for values in post.values():
            values[1] = values[1, 0]

    expected = ("Intercept and 199 more", 200, "never moves in chain 1")
    assert defects(make_fit(draws=50, spoil=spoil), plan) == [expected]


def test_a_constant_parameter_is_found_in_all_chains(make_fit, plan) -> None:
    def spoil(post: dict[str, np.ndarray]) -> None:
        post["x"][:] = 2.0

    expected = ("x", 4, "never moves in chain 0, 1, 2, 3")
    assert defects(make_fit(draws=50, spoil=spoil), plan) == [expected]


def test_copied_chains_are_found(make_fit, plan) -> None:
    def spoil(post: dict[str, np.ndarray]) -> None:
        for values in post.values():
            values[3] = values[1]

    expected = ("Intercept and 199 more", 200, "the same in chains 1 = 3")
    assert defects(make_fit(draws=50, spoil=spoil), plan) == [expected]


def test_a_chain_that_returns_to_its_start_is_no_defect(make_fit, plan) -> None:
    def spoil(post: dict[str, np.ndarray]) -> None:
        post["x"][0, -1] = post["x"][0, 0]
        post["x"][1, 0] = post["x"][0, 0]

    assert defects(make_fit(draws=50, spoil=spoil), plan) == []
