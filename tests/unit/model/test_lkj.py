import numpy as np
import pymc as pm
import pytest
from lkj_support import lkj_log_density, matrix_of
from model_support import panel, plan_of
from scipy import stats

from hiermix.design.types import ordered_pairs
from hiermix.engines.bambi_model import build_model
from hiermix.model.lkj import beta_shapes, cholesky_rows

STEP = 1e-6  # of central differences: errors of about 1e-10 in a log determinant

SIZES = [2, 3, 4]


def factor_of(betas):
    rows = cholesky_rows(list(betas))
    return np.array([row + [0.0] * (len(rows) - len(row)) for row in rows])


def entries(betas):
    """Return the correlations of the pairs (0, 1), (0, 2), (1, 2), ..."""
    factor = factor_of(betas)
    return (factor @ factor.T)[np.tril_indices(len(factor), -1)]


def log_jacobian(betas):
    columns = []
    for position in range(len(betas)):
        step = np.zeros(len(betas))
        step[position] = STEP
        columns.append((entries(betas + step) - entries(betas - step)) / (2 * STEP))
    return np.linalg.slogdet(np.column_stack(columns))[1]


def draws_of_betas(size, eta, n):
    shapes = beta_shapes(size, eta)
    return np.random.default_rng(size).beta(shapes, shapes, size=(n, len(shapes)))


@pytest.mark.parametrize("size", SIZES)
def test_the_factor_is_that_of_a_correlation_matrix(size):
    for betas in draws_of_betas(size, 1.0, 20):
        factor = factor_of(betas)
        matrix = factor @ factor.T
        np.testing.assert_allclose(np.diag(matrix), 1.0, rtol=1e-13)
        assert (np.diag(factor) > 0).all()
        np.testing.assert_allclose(np.linalg.cholesky(matrix), factor, atol=1e-10)


def test_partial_correlations_are_partial_correlations():
    """That of 1 and 2 given 0, from the inverse of the matrix, is what the second tree holds."""
    betas = np.array([0.8, 0.3, 0.6])
    factor = factor_of(betas)
    precision = np.linalg.inv(factor @ factor.T)
    partial = -precision[1, 2] / np.sqrt(precision[1, 1] * precision[2, 2])
    assert partial == pytest.approx(2 * betas[2] - 1, rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("eta", [0.5, 1.0, 2.0, 7.5])
def test_the_matrix_has_the_lkj_density(size, eta):
    """p(R) = p(beta) |d beta / d R|: equal to the normalised LKJ density, constant included."""
    shapes = beta_shapes(size, eta)
    for betas in draws_of_betas(size, max(eta, 1.0), 10):
        density = stats.beta.logpdf(betas, shapes, shapes).sum() - log_jacobian(betas)
        expected = lkj_log_density(matrix_of(entries(betas)), eta)
        assert density == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_pymc_has_the_same_lkj_density(size):
    """PyMC's is that of the Cholesky factor: |dR / dL| is the product of L_ii^(size - 1 - i)."""
    eta = 2.5
    for betas in draws_of_betas(size, eta, 5):
        factor = factor_of(betas)
        theirs = float(pm.logp(pm.LKJCorr.dist(n=size, eta=eta), factor).eval())
        theirs -= float(np.sum((size - 1 - np.arange(size)) * np.log(np.diag(factor))))
        ours = lkj_log_density(factor @ factor.T, eta)
        assert ours == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize("eta", [1.0, 2.0])
def test_every_correlation_has_the_variance_of_an_lkj_prior(eta):
    size, n = 4, 20_000
    values = np.array([entries(betas) for betas in draws_of_betas(size, eta, n)])
    expected = 1 / (2 * eta + size - 1)
    # r^2 of a symmetric beta has at most twice the sd of a normal's square: 6 standard errors.
    tolerance = 6 * expected * np.sqrt(2 / n)
    np.testing.assert_allclose((values**2).mean(axis=0), expected, atol=tolerance)
    np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=6 * np.sqrt(expected / n))


def test_correlations_are_reported_by_the_pairs_of_the_formula_whatever_the_signs_of_the_sds():
    """Covariances of u over many levels show which correlation is whose."""
    n_groups = 4000
    table = panel(seed=1)
    names = [f"g{i}" for i in range(n_groups)]
    many = table.iloc[np.arange(2 * n_groups) % len(table)].assign(g=names * 2)
    plan = plan_of(many, "y ~ x + f + (x + f | g)", parameterization="noncentered")
    built = build_model(plan)
    model = built.pymc_model
    sterile = {name: own for own, name in built.names.items()}
    terms = ["1|g", "x|g", "f|g"]
    read = model.compile_fn(
        model.replace_rvs_by_values([model[sterile[t]] for t in terms] + [model[sterile["cor|g"]]]),
        inputs=model.value_vars,
        on_unused_input="ignore",
        mode="FAST_COMPILE",
    )
    rng = np.random.default_rng(3)
    point = {k: rng.normal(size=v.shape) for k, v in model.initial_point().items()}
    signs = {name: np.sign(v) for name, v in point.items() if name.endswith("_signed")}
    assert {-1.0, 1.0} <= set(np.concatenate([np.ravel(s) for s in signs.values()]))
    *effects, correlations = read(point)
    seen = np.corrcoef(np.column_stack(effects).T)
    labels = dict(plan.parameter("cor|g").dims)["g__cor_dim"]
    assert labels == ("1, x", "1, f[b]", "x, f[b]", "1, f[c]", "x, f[c]", "f[b], f[c]")
    assert np.abs(correlations).min() > 0.05
    np.testing.assert_allclose(seen, matrix_of(correlations), atol=6 / np.sqrt(n_groups))


def test_pairs_of_a_block_are_in_the_order_of_the_partial_correlations():
    plan = plan_of(panel(), "y ~ x + (x + z + f | g)")
    (block,) = plan.design.main.correlated_blocks
    assert block.pairs == ordered_pairs(len(block.columns))
    rows = iter(cholesky_rows([0.5 + 0.01 * n for n in range(len(block.pairs))]))
    first = {(0, i): row[0] for i, row in enumerate(rows) if i}
    expected = {p: 0.02 * n for n, p in enumerate(block.pairs) if p[0] == 0}
    assert first == pytest.approx(expected)
