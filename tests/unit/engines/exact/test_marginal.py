"""The collapsed likelihood and the conditional draws against dense linear algebra."""

from dataclasses import replace

import numpy as np
import pytest
from exact_support import MODELS, dense, marginal_of, random_points, statement, statement_of
from model_support import panel, plan_of
from scipy import stats

TOLERANCE = 1e-9  # relative; two float64 algorithms on well-conditioned systems of 40 rows


class Given:
    """A generator whose normals are given, the first row for the first draw..."""

    def __init__(self, arrays):
        self._arrays = list(arrays)

    def spawn(self, count):
        return [Given([array]) for array in self._arrays] + [Given([])] * (
            count - len(self._arrays)
        )

    def standard_normal(self, shape):
        return self._arrays.pop(0).reshape(shape)


def counted_log_likelihood(stated, written, values, at):
    """The likelihood of rows that count w times: that of variance sigma^2 / w, rescaled."""
    plain = written.log_likelihood(stated.y)
    if not stated.counted:
        return plain
    w, sigma = stated.weight, values.sigma[at]
    own = stats.norm(0, sigma).logpdf(0) * w - stats.norm(0, sigma / np.sqrt(w)).logpdf(0)
    return plain + own.sum()


@pytest.mark.parametrize("name", MODELS)
def test_the_collapsed_density_is_that_of_the_dense_normal(name):
    stated = statement(name)
    marginal = marginal_of(stated)
    points = random_points(marginal.parameters)
    values = marginal.parameters.values(points)
    found = marginal.log_posterior(points) - marginal.parameters.log_prior(points)
    expected = [
        counted_log_likelihood(stated, dense(stated, values, at), values, at)
        for at in range(len(points))
    ]
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE)


@pytest.mark.parametrize("name", MODELS)
def test_draws_have_the_exact_conditional_mean_and_covariance(name):
    # A draw is an affine function of its noise: zeros give the mean, unit vectors the columns of
    # a root of the covariance.
    stated = statement(name)
    marginal = marginal_of(stated)
    point = random_points(marginal.parameters, 1)
    written = dense(stated, marginal.parameters.values(point), 0)
    mean, covariance = written.posterior(stated.y)
    size = len(mean)
    levels = marginal.moments.levels
    order = [0] if levels is None else [0, *(i + 1 for i in range(len(written.sizes) - 1))]
    own = 0 if levels is None else written.sizes[levels.position + 1]

    def draw(noise):
        arrays = [noise[: size - own]]
        if levels is not None:
            q = len(levels.common)
            arrays.append(noise[size - own :].reshape(1, q, -1))
        ((_, drawn),) = marginal.draw(point, lambda chunk: Given(arrays))
        pieces = [drawn.common, *drawn.effects]
        return np.concatenate([pieces[i][0].ravel() for i in order])

    centre = draw(np.zeros(size))
    root = np.column_stack([draw(column) - centre for column in np.eye(size)])
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((centre - mean) / scale, 0, atol=1e-8)
    np.testing.assert_allclose(
        root @ root.T / np.outer(scale, scale), covariance / np.outer(scale, scale), atol=1e-8
    )


def test_chunks_and_threads_change_nothing():
    stated = statement("crossed")
    one, two = marginal_of(stated), marginal_of(stated, threads=2)
    points = np.repeat(random_points(one.parameters, 50), 50, axis=0)
    assert len(one.chunks(len(points))) > 1
    np.testing.assert_array_equal(one.log_posterior(points), two.log_posterior(points))
    single = [float(one.log_posterior(point[None])[0]) for point in points[::50]]
    np.testing.assert_allclose(one.log_posterior(points)[::50], single, rtol=1e-12)

    def drawn(marginal):
        pieces = marginal.draw(points, np.random.default_rng)
        return np.concatenate([piece.effects[0] for _, piece in pieces])

    np.testing.assert_array_equal(drawn(one), drawn(two))


@pytest.mark.parametrize("far", [-800.0, 800.0])
def test_values_out_of_range_have_density_zero(far):
    marginal = marginal_of(statement("correlated"))
    points = random_points(marginal.parameters, marginal.parameters.size + 1)
    for row in range(marginal.parameters.size):
        points[row, row] = far
    found = marginal.log_posterior(points)
    assert not np.isnan(found).any()
    assert np.isfinite(found[-1])


def test_a_million_in_the_response_costs_no_digits():
    # The response's mean is a million sds away from zero; the prior of the intercept is wide.
    stated = statement("far from the prior")
    shifted = marginal_of(stated)

    moved = replace(
        stated,
        y=stated.y + 1e6,
        coefficients=replace(
            stated.coefficients, mean=stated.coefficients.mean + np.array([1e6, 0.0])
        ),
    )
    points = random_points(shifted.parameters)
    np.testing.assert_allclose(
        marginal_of(moved).log_posterior(points), shifted.log_posterior(points), rtol=1e-7
    )


def test_the_unit_of_a_column_does_not_matter():
    stated = statement("slopes")
    common = stated.coefficients
    scale = np.array([1.0, 1e14, 1.0, 1e-14])
    scaled = replace(
        stated,
        coefficients=replace(
            common, values=common.values * scale, mean=common.mean / scale, sd=common.sd / scale
        ),
    )
    points = random_points(marginal_of(stated).parameters)
    np.testing.assert_allclose(
        marginal_of(scaled).log_posterior(points),
        marginal_of(stated).log_posterior(points),
        rtol=1e-9,
    )


@pytest.mark.parametrize("name", ["slopes", "correlated", "intercepts"])
def test_products_that_are_not_stored_change_nothing(name, monkeypatch):
    stored = marginal_of(statement(name))
    monkeypatch.setattr("hiermix.engines.exact.moments.MAX_PRODUCTS", 1)
    direct = marginal_of(statement(name))
    assert direct.moments.products == ()
    points = random_points(stored.parameters)
    np.testing.assert_allclose(
        direct.log_posterior(points), stored.log_posterior(points), rtol=1e-12
    )


def test_more_columns_than_rows_leave_the_rest_to_the_prior():
    stated = statement("slopes")
    common = stated.coefficients
    few = replace(
        stated,
        y=stated.y[:3],
        weight=stated.weight[:3],
        coefficients=replace(common, values=common.values[:3]),
        factors=(),
    )
    marginal = marginal_of(few)
    points = random_points(marginal.parameters)
    values = marginal.parameters.values(points)
    expected = [dense(few, values, at).log_likelihood(few.y) for at in range(len(points))]
    found = marginal.log_posterior(points) - marginal.parameters.log_prior(points)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_tight_prior_far_from_the_data_costs_no_digits():
    # With a sd of 1e-9 the coefficient is its prior's mean: the model is that with an offset.
    plan = plan_of(panel(), "y ~ x + (1 | g)", priors={"x": "Normal(3, 1e-9)"})
    tight = marginal_of(statement_of(plan))
    stated = statement_of(plan)
    column = stated.coefficients.values[:, 1]
    common = stated.coefficients
    offset = replace(
        stated,
        y=stated.y - 3 * column,
        coefficients=replace(
            common, values=common.values[:, :1], mean=common.mean[:1], sd=common.sd[:1]
        ),
    )
    points = random_points(tight.parameters, 20)
    np.testing.assert_allclose(
        tight.log_posterior(points), marginal_of(offset).log_posterior(points), atol=1e-4
    )


def test_a_response_of_any_size_is_one_model():
    stated = statement("intercepts")
    for size in (1e-8, 1e2):
        common = stated.coefficients
        scaled = replace(
            stated,
            y=stated.y * size,
            coefficients=replace(common, mean=common.mean * size, sd=common.sd * size),
        )
        ours, theirs = marginal_of(stated), marginal_of(scaled)
        points = random_points(ours.parameters, 10)
        found = theirs.moments.n_rows * np.log(size)
        shifted = points + np.log(size)
        own = ours.log_posterior(points) - ours.parameters.log_prior(points)
        other = theirs.log_posterior(shifted) - theirs.parameters.log_prior(shifted)
        np.testing.assert_allclose(other + found, own, atol=1e-6)
