"""Information of rows of a chance, also where the chance is all but certain."""

import numpy as np
import pytest

from hiermix.summary.weights import RowModel


def row(link: str, response: float = 1.0) -> RowModel:
    values = np.array([response])
    return RowModel("bernoulli", link, np.zeros(1), values, np.ones(1), 1.0, None)


@pytest.mark.parametrize(
    ("link", "information"),
    [
        # p (1 - p), and for cloglog r^2 exp(-r) / p with r = exp(eta).
        ("logit", lambda eta: np.exp(-np.abs(eta)) / np.square(1 + np.exp(-np.abs(eta)))),
        ("cloglog", lambda eta: np.exp(2 * eta - np.exp(eta)) / -np.expm1(-np.exp(eta))),
    ],
)
def test_information_keeps_its_digits_where_the_chance_rounds_to_one(link, information) -> None:
    eta = np.array([-30.0, -3.0, 0.5, 3.0, 4.5, 6.0])
    _, found = row(link).working(eta)
    np.testing.assert_allclose(found, information(eta), rtol=1e-9)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
@pytest.mark.parametrize("response", [0.0, 1.0])
def test_rows_far_out_tell_nothing_and_break_nothing(link: str, response: float) -> None:
    eta = np.concatenate([np.linspace(-800, 800, 3201), np.linspace(6, 7, 2001)])
    residual, information = row(link, response).working(eta)
    assert np.isfinite(residual * information).all()
    assert (information >= 0).all()
    assert (information[np.abs(eta) > 760] == 0).all()


def test_what_is_no_number_stays_none() -> None:
    residual, information = row("logit").working(np.array([np.nan, 0.0]))
    assert np.isnan(residual[0]) and np.isnan(information[0])
    assert np.isfinite(residual[1]) and np.isfinite(information[1])
