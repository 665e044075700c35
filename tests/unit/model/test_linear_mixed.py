"""Against dense n x n algebra, least squares with dummies and closed forms."""

import numpy as np
import pytest
from scipy import optimize

from hiermix.design.types import CommonTerm, Factor, GroupTerm, LinearPart
from hiermix.model import mixed_equations
from hiermix.model.linear_mixed import LinearEstimate, TooLarge, gls, reml, wald, within


def factor(name, codes):
    levels, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return Factor(name, (name,), tuple(str(level) for level in levels), index, counts)


def group(of, expression, values):
    return GroupTerm(f"{expression}|{of.name}", expression, of, (expression,), values[:, None])


def part(columns, terms=(), *, intercept=True, offset=None):
    common = tuple(CommonTerm(name, (name,), v[:, None]) for name, v in columns.items())
    return LinearPart("mu", intercept, common, tuple(terms), offset)


def dense_columns(model, n):
    ones = [np.ones((n, 1))] if model.intercept else []
    return np.concatenate([*ones, *(t.values for t in model.common), np.zeros((n, 0))], axis=1)


def dummies(of):
    return np.eye(of.n_groups)[of.index]


def dense_variance(model, row_variance, sds):
    v = np.diag(row_variance)
    for term, sd in zip((t for t in model.group), sds, strict=True):
        z = dummies(term.factor) * term.values
        v = v + sd**2 * z @ z.T
    return v


def dense_gls(model, y, row_variance, sds):
    x = dense_columns(model, len(y))
    inverse = np.linalg.inv(dense_variance(model, row_variance, sds))
    covariance = np.linalg.inv(x.T @ inverse @ x)
    return covariance @ x.T @ inverse @ y, covariance


def dense_deviance(model, y, row_variance, sds):
    """-2 log restricted likelihood, sds and row variances in the units of y, no constant."""
    x = dense_columns(model, len(y))
    v = dense_variance(model, row_variance, sds)
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    projection = inverse - inverse @ x @ np.linalg.solve(information, x.T @ inverse)
    return np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + y @ projection @ y


def design(kind, seed=3, n=90):
    """Unbalanced design with slopes: one factor, nested, crossed or three factors."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 11, size=n)
    b = a % 4 if kind == "nested" else rng.integers(0, 6, size=n)
    c = rng.integers(0, 3, size=n)
    x, z = rng.normal(2.0, 1.0, size=n), rng.normal(size=n)
    fa, fb, fc = factor("a", a), factor("b", b), factor("c", c)
    terms = [group(fa, "1", np.ones(n)), group(fa, "x", x)]
    mean = 1 + 0.5 * x - z + rng.normal(0, 0.8, 11)[a] + rng.normal(0, 0.5, 11)[a] * x
    if kind != "one":
        terms += [group(fb, "1", np.ones(n)), group(fb, "z", z)]
        mean = mean + rng.normal(0, 1.2, 6)[b] + rng.normal(0, 0.7, 6)[b] * z
    if kind == "three":
        terms.insert(0, group(fc, "1", np.ones(n)))
        mean = mean + rng.normal(0, 0.6, 3)[c]
    return part({"x": x, "z": z}, terms), mean + rng.normal(0, 0.9, size=n)


KINDS = ["one", "nested", "crossed", "three"]


@pytest.mark.parametrize("dense_up_to", [0, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_gls_is_that_of_the_dense_covariance_matrix(kind, dense_up_to, monkeypatch):
    monkeypatch.setattr(mixed_equations, "ALWAYS_DENSE", dense_up_to)
    model, y = design(kind)
    row_variance = np.random.default_rng(1).uniform(0.2, 3.0, size=len(y))
    sds = np.linspace(0.0, 2.0, len(model.group))
    variances = {t.name: np.array([sd**2]) for t, sd in zip(model.group, sds, strict=True)}
    found = gls(model, y, row_variance, variances)
    values, covariance = dense_gls(model, y, row_variance, sds)
    assert found.names == ("Intercept", "x", "z")
    np.testing.assert_allclose(found.values, values, rtol=1e-9)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-8)
    np.testing.assert_allclose([found.group_sds[t.name][0] for t in model.group], sds)


def test_many_nested_levels_take_the_sparse_path_and_agree_with_dense_algebra(monkeypatch):
    rng = np.random.default_rng(8)
    classes = np.arange(600) // 2
    schools = classes // 3
    x = rng.normal(size=600)
    y = x + rng.normal(size=300)[classes] + rng.normal(size=100)[schools] + rng.normal(size=600)
    terms = [
        group(factor("school", schools), "1", np.ones(600)),
        group(factor("class", classes), "1", np.ones(600)),
    ]
    model = part({"x": x}, terms)
    monkeypatch.setattr(mixed_equations, "ALWAYS_DENSE", 10)
    seen = []
    original = mixed_equations.splu
    monkeypatch.setattr(
        mixed_equations, "splu", lambda *a, **k: seen.append(1) or original(*a, **k)
    )
    variances = {"1|school": np.array([0.7]), "1|class": np.array([1.5])}
    found = gls(model, y, np.full(600, 2.0), variances)
    values, covariance = dense_gls(model, y, np.full(600, 2.0), np.sqrt([0.7, 1.5]))
    assert seen
    np.testing.assert_allclose(found.values, values, rtol=1e-10)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-10)


@pytest.mark.parametrize("rows", ["plain", "weighted", "known"])
@pytest.mark.parametrize("kind", KINDS)
def test_reml_is_the_optimum_of_the_dense_restricted_likelihood(kind, rows):
    model, y = design(kind, n=50)
    weights = np.random.default_rng(2).uniform(0.3, 3.0, size=len(y))
    if rows == "known":
        found = reml(model, y, known_variance=1 / weights)
        residual = 1.0
    elif rows == "weighted":
        found = reml(model, y, weights=weights)
        residual = found.residual_sd
    else:
        weights = np.ones(len(y))
        found = reml(model, y)
        residual = found.residual_sd
    sds = np.array([found.group_sds[t.name][0] for t in model.group])
    assert found.converged

    def deviance(logs):
        values = np.exp(logs)
        scale = 1.0 if rows == "known" else values[-1]
        return dense_deviance(model, y, scale**2 / weights, values[: len(sds)])

    best = sds if rows == "known" else np.append(sds, residual)
    reached = optimize.minimize(
        deviance, np.zeros(len(best)), method="L-BFGS-B", bounds=[(-7.0, 4.0)] * len(best)
    )
    assert deviance(np.log(np.maximum(best, 1e-9))) <= reached.fun + 1e-6
    np.testing.assert_allclose(best, np.exp(reached.x), atol=4e-3)
    values, covariance = dense_gls(model, y, residual**2 / weights, sds)
    np.testing.assert_allclose(found.values, values, rtol=1e-8)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-7)


def test_a_balanced_one_way_layout_has_the_anova_estimates():
    rng = np.random.default_rng(5)
    g, k = 12, 7
    y = rng.normal(size=(g, 1)) * 1.4 + rng.normal(size=(g, k))
    between = k * y.mean(axis=1).var(ddof=1)
    inside = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / (g * (k - 1))
    of = factor("g", np.repeat(np.arange(g), k))
    found = reml(part({}, [group(of, "1", np.ones(g * k))]), y.ravel())
    assert found.group_sds["1|g"][0] == pytest.approx(np.sqrt((between - inside) / k), rel=1e-6)
    assert found.residual_sd == pytest.approx(np.sqrt(inside), rel=1e-6)
    assert found.values[0] == pytest.approx(y.mean(), rel=1e-12)
    assert found.covariance[0, 0] == pytest.approx(between / (g * k), rel=1e-6)


def test_levels_that_differ_less_than_chance_have_a_group_sd_of_exactly_zero():
    rng = np.random.default_rng(6)
    y = rng.normal(size=(9, 6))
    y -= 0.9 * y.mean(axis=1, keepdims=True)
    of = factor("g", np.repeat(np.arange(9), 6))
    found = reml(part({}, [group(of, "1", np.ones(54))]), y.ravel())
    assert found.group_sds["1|g"][0] == 0.0
    assert found.residual_sd == pytest.approx(y.std(ddof=1), rel=1e-12)
    assert found.converged


def test_without_group_terms_reml_is_weighted_least_squares():
    rng = np.random.default_rng(7)
    x, y, w = rng.normal(size=40), rng.normal(size=40), rng.uniform(0.5, 2.0, size=40)
    found = reml(part({"x": x}), y, weights=w)
    columns = np.column_stack([np.ones(40), x])
    values = np.linalg.solve(columns.T @ (w[:, None] * columns), columns.T @ (w * y))
    sigma2 = np.sum(w * (y - columns @ values) ** 2) / 38
    np.testing.assert_allclose(found.values, values, rtol=1e-10)
    assert found.residual_sd == pytest.approx(np.sqrt(sigma2), rel=1e-10)
    assert found.group_sds == {}


def test_a_model_without_common_coefficients_has_none():
    model, y = design("one")
    bare = part({}, model.group[:1], intercept=False)
    found = reml(bare, y)
    assert found.names == ()
    assert found.values.shape == (0,)
    start = [found.group_sds["1|a"][0], found.residual_sd]
    nudged = [
        dense_deviance(bare, y, np.full(len(y), (start[1] * b) ** 2), [start[0] * a])
        for a, b in [(1, 1), (1.02, 1), (0.98, 1), (1, 1.02), (1, 0.98)]
    ]
    assert nudged[0] == min(nudged)


@pytest.mark.parametrize("kind", KINDS)
def test_units_of_columns_and_response_change_nothing_but_units(kind):
    model, y = design(kind)
    x, z = (t.values[:, 0] for t in model.common)
    rescaled = [
        GroupTerm(t.name, t.expression, t.factor, t.columns, t.values * 1e6)
        if t.expression == "x"
        else t
        for t in model.group
    ]
    plain = reml(model, y)
    scaled = reml(part({"x": 1e6 * x, "z": 1e-6 * z + 5e-4}, rescaled), 1e3 * y)
    np.testing.assert_allclose(scaled.values[1:], plain.values[1:] * [1e-3, 1e9], rtol=1e-5)
    ratio = np.sqrt(np.diag(scaled.covariance)[1:] / np.diag(plain.covariance)[1:])
    np.testing.assert_allclose(ratio, [1e-3, 1e9], rtol=1e-5)
    for term in model.group:
        factor_of_units = 1e-3 if term.expression == "x" else 1e3
        expected = plain.group_sds[term.name] * factor_of_units
        np.testing.assert_allclose(scaled.group_sds[term.name], expected, rtol=1e-4)
    assert scaled.residual_sd == pytest.approx(1e3 * plain.residual_sd, rel=1e-5)


def test_an_offset_is_subtracted_from_the_response():
    model, y = design("one")
    offset = np.linspace(-3.0, 9.0, len(y))
    shifted = part({t.name: t.values[:, 0] for t in model.common}, model.group, offset=offset)
    np.testing.assert_allclose(reml(shifted, y + offset).values, reml(model, y).values, rtol=1e-8)
    np.testing.assert_allclose(
        within(shifted, y + offset, model.factors).values, within(model, y, model.factors).values
    )


def test_levels_of_one_row_do_not_tell_group_from_residual_sd():
    rng = np.random.default_rng(9)
    of = factor("g", np.arange(30))
    model = part({"x": rng.normal(size=30)}, [group(of, "1", np.ones(30))])
    y = rng.normal(size=30)
    assert not reml(model, y).converged
    assert reml(model, y, known_variance=np.full(30, 0.1)).converged


def test_two_factors_with_the_same_levels_are_not_told_apart():
    rng = np.random.default_rng(10)
    codes = np.repeat(np.arange(8), 5)
    terms = [group(factor(name, codes), "1", np.ones(40)) for name in ("g", "h")]
    y = 2 * rng.normal(size=8)[codes] + rng.normal(size=40)
    assert not reml(part({}, terms), y).converged
    assert reml(part({}, terms[:1]), y).converged


def panel(seed, balanced, columns=2):
    rng = np.random.default_rng(seed)
    counts = np.full(15, 6) if balanced else rng.integers(2, 12, size=15)
    codes = np.repeat(np.arange(15), counts)
    level = rng.normal(size=15)
    x = rng.normal(size=(len(codes), columns)) + level[codes][:, None] * [1.0, -0.5][:columns]
    y = x @ [0.7, -0.3][:columns] + 1.5 * level[codes] + rng.normal(size=len(codes))
    return factor("g", codes), x, y


def level_means(of, x, w):
    total = np.bincount(of.index, w)
    return np.column_stack([(np.bincount(of.index, w * c) / total)[of.index] for c in x.T])


@pytest.mark.parametrize("ratio", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("balanced", [False, True])
def test_beside_their_level_means_coefficients_are_the_fixed_effects_ones(
    balanced, weighted, ratio
):
    for seed in range(5):
        of, x, y = panel(seed, balanced)
        w = np.random.default_rng(seed).uniform(0.2, 5.0, len(y)) if weighted else np.ones(len(y))
        means = level_means(of, x, w)
        intercepts = [group(of, "1", np.ones(len(y)))]
        plain = part({"x": x[:, 0], "z": x[:, 1]}, intercepts)
        mundlak = part(
            {"x": x[:, 0], "z": x[:, 1], "x_mean": means[:, 0], "z_mean": means[:, 1]}, intercepts
        )
        fixed = within(plain, y, [of], w)
        found = gls(mundlak, y, 1 / w, {"1|g": np.array([ratio])})
        np.testing.assert_allclose(found.values[1:3], fixed.values, rtol=0, atol=1e-11)
        without = gls(plain, y, 1 / w, {"1|g": np.array([ratio])})
        assert np.abs(without.values[1:3] - fixed.values).max() > 1e-4
        if weighted:
            unweighted = level_means(of, x, np.ones(len(y)))
            wrong = part({"x": x[:, 0], "z": x[:, 1], "m": unweighted[:, 0]}, intercepts)
            other = gls(wrong, y, 1 / w, {"1|g": np.array([ratio])})
            assert np.abs(other.values[1:3] - fixed.values).max() > 1e-6


def dummy_regression(model, y, factors, w):
    """Least squares with dense dummies; coefficients, covariance and degrees of freedom."""
    x = np.concatenate([t.values for t in model.common], axis=1)
    full = np.column_stack([x, *(dummies(f) for f in factors)]) * np.sqrt(w)[:, None]
    target = np.sqrt(w) * y
    values = np.linalg.lstsq(full, target, rcond=None)[0]
    df = len(y) - np.linalg.matrix_rank(full)
    sigma2 = np.sum((target - full @ values) ** 2) / df
    return values[: x.shape[1]], sigma2 * np.linalg.pinv(full.T @ full)[: x.shape[1], : x.shape[1]]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_within_is_least_squares_with_dummies(kind, weighted):
    model, y = design(kind)
    w = np.random.default_rng(4).uniform(0.2, 5.0, len(y)) if weighted else np.ones(len(y))
    found = within(model, y, model.factors, w)
    values, covariance = dummy_regression(model, y, model.factors, w)
    assert found.names == ("x", "z")
    assert found.converged
    np.testing.assert_allclose(found.values, values, rtol=0, atol=1e-11)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-9)


def test_crossed_factors_in_separate_pieces_cost_a_degree_of_freedom_less_each():
    rng = np.random.default_rng(11)
    a = rng.integers(0, 12, size=80)
    b = 3 * (a % 4) + rng.integers(0, 3, size=80)
    model, y = part({"x": rng.normal(size=80)}), rng.normal(size=80)
    factors = [factor("a", a), factor("b", b)]
    found = within(model, y, factors)
    values, covariance = dummy_regression(model, y, factors, np.ones(80))
    assert np.linalg.matrix_rank(np.column_stack([dummies(f) for f in factors])) == 24 - 4
    np.testing.assert_allclose(found.values, values, atol=1e-11)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-9)


def test_a_long_chain_of_levels_is_swept_to_the_end():
    """A graph of large diameter is the worst case of iterative sweeps."""
    rng = np.random.default_rng(12)
    worker = np.repeat(np.arange(200), 2)
    firm = (worker + np.tile([0, 1], 200)) // 2
    x, y = rng.normal(size=400) + worker / 20, rng.normal(size=400)
    factors = [factor("worker", worker), factor("firm", firm)]
    found = within(part({"x": x}), y, factors)
    values, _ = dummy_regression(part({"x": x}), y, factors, np.ones(400))
    assert found.converged
    np.testing.assert_allclose(found.values, values, atol=1e-9)


def test_within_keeps_only_columns_that_vary_beside_levels_and_earlier_columns():
    of, x, y = panel(3, balanced=False)
    level_constant = np.linspace(1e6, 2e6, of.n_groups)[of.index]
    model = part(
        {"w": level_constant, "x": x[:, 0], "shifted": x[:, 0] + level_constant, "z": x[:, 1]}
    )
    found = within(model, y, [of])
    assert found.names == ("x", "z")
    only = within(part({"x": x[:, 0], "z": x[:, 1]}), y, [of])
    np.testing.assert_allclose(found.values, only.values, rtol=1e-9)
    np.testing.assert_allclose(found.covariance, only.covariance, rtol=1e-9)


def test_dependent_common_columns_are_named():
    model, y = design("one")
    x, z = (t.values[:, 0] for t in model.common)
    double = part({"x": x, "z": z, "both": x - 2 * z}, model.group)
    with pytest.raises(ValueError, match="linearly dependent: x, z, both"):
        reml(double, y)
    constant = part({"x": x, "one": np.full(len(y), 0.1)}, model.group)
    with pytest.raises(ValueError, match=r"linearly dependent: one$"):
        gls(constant, y, np.ones(len(y)), {t.name: np.ones(1) for t in model.group})


def test_what_cannot_be_estimated_is_refused():
    model, y = design("one")
    ones = np.ones(len(y))
    with pytest.raises(ValueError, match="either weights or known variances"):
        reml(model, y, weights=ones, known_variance=ones)
    with pytest.raises(ValueError, match="weights must be positive"):
        reml(model, y, weights=np.where(np.arange(len(y)) == 3, 0.0, 1.0))
    with pytest.raises(ValueError, match="row variances must be positive"):
        reml(model, y, known_variance=np.where(np.arange(len(y)) == 3, 0.0, 1.0))
    with pytest.raises(ValueError, match="fit the response exactly"):
        reml(model, 2 + model.common[0].values[:, 0])
    with pytest.raises(ValueError, match="2 rows cannot estimate 2"):
        reml(part({"x": np.array([0.0, 1.0])}), np.array([1.0, 3.0]))
    with pytest.raises(ValueError, match="need a factor"):
        within(model, y, [])
    with pytest.raises(ValueError, match="weights must be positive"):
        within(model, y, model.factors, -ones)
    with pytest.raises(ValueError, match="no residual degrees of freedom"):
        within(model, y, [factor("row", np.arange(len(y)))])


def test_crossed_factors_with_thousands_of_levels_are_too_large():
    n = 40_000
    rng = np.random.default_rng(13)
    terms = [
        group(factor(name, rng.integers(0, size, size=n)), "1", np.ones(n))
        for name, size in (("a", 4000), ("b", 3000))
    ]
    with pytest.raises(TooLarge, match="3,000 effects beside the largest factor"):
        reml(part({}, terms), rng.normal(size=n))


def estimate(values, covariance):
    names = tuple(f"b{i}" for i in range(len(values)))
    return LinearEstimate(names, np.array(values), np.array(covariance), {}, 1.0, True)


def test_wald_is_a_quadratic_form_with_a_chi_square_tail():
    values, covariance = [3.0, 1.0, -2.0], [[4.0, 0.1, 1.0], [0.1, 1.0, 0.0], [1.0, 0.0, 2.0]]
    statistic, df, p = wald(estimate(values, covariance), ["b0", "b2"])
    expected = (9 * 2 - 2 * 3 * -2 * 1 + 4 * 4) / 7
    assert statistic == pytest.approx(expected, rel=1e-12)
    assert df == 2
    assert p == pytest.approx(np.exp(-expected / 2), rel=1e-12)
    with pytest.raises(ValueError, match="no such coefficient: nothing"):
        wald(estimate(values, covariance), ["nothing"])


def test_wald_of_dependent_coefficients_has_the_rank_as_degrees_of_freedom():
    lift = np.array([[1.0, 0.0], [0.0, 1e6], [2.0, 3e6]])
    covariance = lift @ np.diag([2.0, 5.0]) @ lift.T
    statistic, df, _ = wald(estimate(lift @ [1.0, 3.0], covariance), ["b0", "b1", "b2"])
    assert df == 2
    assert statistic == pytest.approx(1 / 2 + 9 / 5, rel=1e-9)
