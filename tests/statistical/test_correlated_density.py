"""Correlated effects have the multivariate normal prior and the LKJ prior, in every coordinates.

The model with single bars is held against the same model with independent, non-centred effects,
which `test_density_against_bambi` holds against Bambi's: their prior is exchanged for the one
written here from its definition, and the Jacobians of the coordinates are added.
"""

import numpy as np
import pytest
from lkj_support import lkj_log_density, matrix_of
from model_support import panel, plan_of
from pytensor.gradient import jacobian
from scipy import stats

from hiermix.engines.bambi_model import build_model

TOLERANCE = 1e-8  # relative; float64 sums of a few hundred terms

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

SIGMA = {"components": {"sigma": "~ z + (z | g)"}}
MIXED = {"parameterization": {"x|g": "centered", "f|g": "noncentered"}}

MODELS = [
    ("gaussian", "y ~ x + (x | g)", {}),
    ("gaussian", "y ~ x + z + (x + z | g) + (x | h)", {}),
    ("gaussian", "y ~ x + (x | g / sub)", {}),
    ("gaussian", "y ~ f + (f | g)", {}),
    ("gaussian", "y ~ f + x + (f + x | g)", {}),
    ("gaussian", "y ~ poly(x, 3) + (0 + poly(x, 3) | g) + (1 | h)", {}),
    ("gaussian", "y ~ x + z + f + (x | g) + (0 + z + f | g)", {}),
    ("poisson", "count ~ x + z + (x + z | g) + (x || h)", {}),
]
FORMS = [{}, {"parameterization": "centered"}, {"parameterization": "noncentered"}]
CASES = [
    *((family, formula, options | form) for family, formula, options in MODELS for form in FORMS),
    ("gaussian", "y ~ x + f + (x + f | g)", MIXED),
    ("gaussian", "y ~ x + (x | g)", {"priors": {"1|g": "Gamma(2, 1)", "cor|g": "LKJ(0.7)"}}),
    ("gaussian", "y ~ x + (x | g)", SIGMA),
    ("gaussian", "y ~ x + (1 | g)", {**SIGMA, "priors": {"sigma_cor|g": "LKJ(5)"}}),
    ("categorical", "grade ~ x + (x + f | g)", {"priors": {"cor|g": "LKJ(3)"}}),
]


class Model:
    """A built model that is read at points by the names of the plan."""

    def __init__(self, plan):
        built = build_model(plan)
        self.model = built.pymc_model
        self.sterile = {name: own for own, name in built.names.items()}
        self.density = self.model.compile_logp(mode="FAST_COMPILE")
        self.point_names = set(self.model.initial_point())

    def reader(self, names):
        return self.function([self.model[self.sterile[name]] for name in names])

    def function(self, outputs):
        return self.model.compile_fn(
            self.model.replace_rvs_by_values(outputs),
            inputs=self.model.value_vars,
            on_unused_input="ignore",
            mode="FAST_COMPILE",
        )

    def random_point(self, rng):
        return {
            name: value + rng.normal(0, 0.4, size=value.shape)
            for name, value in self.model.initial_point().items()
        }

    def coordinates(self, name, width):
        """Return the variables behind a term's effects and the columns that each makes."""
        sterile = self.sterile[name]
        for whole in (f"{sterile}_z", f"{sterile}_offset"):
            if whole in self.point_names:
                return {whole: ...}
        return {f"{sterile}_z{column}": column for column in range(width)}

    def matrix_jacobian(self, name, sizes):
        """Return the function of a point for log |d correlations / d what is sampled|.

        ``sizes`` counts the pairs of each block of the factor.
        """
        sterile = self.sterile[name]
        (reported,) = self.model.replace_rvs_by_values([self.model[sterile]])
        betas = [rv for rv in self.model.free_RVs if rv.name.startswith(f"{sterile}_beta")]
        starts = np.cumsum([0, *sizes])
        matrices = []
        for start, stop, beta in zip(starts[:-1], starts[1:], betas, strict=True):
            value = self.model.rvs_to_values[beta]
            square = jacobian(reported[start:stop].flatten(), value)
            matrices.append(square.reshape((square.shape[0], -1)))
        function = self.function(matrices)
        return lambda point: sum(np.linalg.slogdet(matrix)[1] for matrix in function(point))


def independent(formula, options):
    """Return formula and options of the model with independent, non-centred effects."""
    options = {**options, "parameterization": "noncentered"}
    priors = options.get("priors", {})
    options["priors"] = {name: text for name, text in priors.items() if "cor|" not in name}
    components = options.get("components", {})
    options["components"] = {k: v.replace(" | ", " || ") for k, v in components.items()}
    return formula.replace(" | ", " || "), options


def by_column(values, term, *, levels):
    """Return ``(k, n_categories)``, or ``(k, n_categories, n_groups)`` of effects by level."""
    if not levels:
        return np.reshape(values, (len(term.columns), -1))
    shaped = np.reshape(values, (term.factor.n_groups, len(term.columns), -1))
    return np.moveaxis(shaped, 0, -1)


def log_prior(plan, part, u, sd, correlations):
    """Return the log density of correlations, and of effects given these and sds, by definition.

    ``u`` and ``sd`` have the columns of a term first, then the categories of the response.
    """
    total = 0.0
    correlated = set()
    left = dict(correlations)
    for block in part.correlated_blocks:
        names = [term.name for term in block.terms]
        correlated.update(names)
        label = plan.label(part, f"cor|{block.factor.name}")
        eta = plan.parameter(label).prior[0].get("eta")
        pairs, left[label] = np.split(left[label], [len(block.pairs)])
        effects = np.concatenate([u[name] for name in names])
        spreads = np.concatenate([sd[name] for name in names])
        for category, own in enumerate(pairs.reshape(len(pairs), -1).T):
            matrix = matrix_of(own)
            total += lkj_log_density(matrix, eta)
            covariance = matrix * np.outer(spreads[:, category], spreads[:, category])
            normal = stats.multivariate_normal(cov=covariance)
            total += np.sum(normal.logpdf(effects[:, category].T))
    for term in part.group:
        if term.name not in correlated:
            total += stats.norm.logpdf(u[term.name], 0, sd[term.name][..., None]).sum()
    return total


@pytest.mark.parametrize(
    ("family", "formula", "options"), CASES, ids=[f"{i}: {c[1]}" for i, c in enumerate(CASES)]
)
def test_effects_are_jointly_normal_and_their_correlations_lkj(family, formula, options):
    table = panel(seed=3)
    plan = plan_of(table, formula, family=family, **options)
    ours = Model(plan)
    plain_formula, plain_options = independent(formula, options)
    plain = Model(plan_of(table, plain_formula, family=family, **plain_options))
    terms = {plan.label(part, t.name): (part, t) for part in plan.parts for t in part.group}
    read_effects = ours.reader(list(terms))
    read_sds = ours.reader([f"{name}_sigma" for name in terms])
    matrices = {}
    for part in plan.parts:
        for block in part.correlated_blocks:
            label = plan.label(part, f"cor|{block.factor.name}")
            matrices.setdefault(label, []).append(len(block.pairs))
    assert set(matrices) == {p.name for p in plan.parameters if p.role == "correlation"} != set()
    read_matrices = ours.reader(list(matrices))
    jacobians = [ours.matrix_jacobian(name, sizes) for name, sizes in matrices.items()]
    rng = np.random.default_rng(12)
    for _ in range(3):
        point = ours.random_point(rng)
        values = read_effects(point)
        effects = dict(zip(terms, values, strict=True))
        sds = dict(zip(terms, read_sds(point), strict=True))
        correlations = dict(zip(matrices, read_matrices(point), strict=True))
        target = {name: value for name, value in point.items() if name in plain.point_names}
        expected = sum(function(point) for function in jacobians)
        for number, (name, (_, term)) in enumerate(terms.items()):
            sign = np.sign(point.get(f"{ours.sterile[name]}_sigma_signed", 1.0))
            z = effects[name] / (sign * sds[name])
            (coordinate,) = plain.coordinates(name, 1)
            target[coordinate] = z
            expected -= stats.norm.logpdf(z).sum()
            for variable, column in ours.coordinates(name, len(term.columns)).items():
                moved = read_effects(point | {variable: point[variable] + 1.0})[number]
                difference = moved - effects[name]
                own = difference if column is ... else difference[:, column]
                expected += np.log(np.abs(own)).sum()
        expected += float(plain.density(target))
        for part in plan.parts:
            own = {t.name: plan.label(part, t.name) for t in part.group}
            u = {t.name: by_column(effects[own[t.name]], t, levels=True) for t in part.group}
            sd = {t.name: by_column(sds[own[t.name]], t, levels=False) for t in part.group}
            expected += log_prior(plan, part, u, sd, correlations)
        assert float(ours.density(point)) == pytest.approx(expected, rel=TOLERANCE)
