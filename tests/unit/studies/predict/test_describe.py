"""What a run stores gives the columns that were fitted, exactly."""

import numpy as np
import pytest
from model_support import frame_of, panel, spec_of
from run_support import EXAMPLES, Silent, spec_path

from hiermix import pipeline
from hiermix.design import build_design
from hiermix.model import plan_model
from hiermix.spec import load_spec
from hiermix.studies.predict.consistency import check_consistent
from hiermix.studies.predict.contextual import RowMeans
from hiermix.studies.predict.describe import describe_design, frame_values
from hiermix.studies.predict.evaluate import Evaluator
from hiermix.studies.predict.stored import from_json, to_json

EXACT = 1e-12
"""Relative to the largest entry of a column; sums in another order differ by less."""

FORMULAS = [
    "y ~ x + (1|g)",
    "y ~ 0 + x + (x|g)",
    "y ~ log(positive) + log2(positive) + log10(positive) + (1|g)",
    "y ~ exp(z) + sqrt(positive) + abs(z) + (1|g)",
    "y ~ center(x) + scale(z) + standardize(positive) + (1|g)",
    "y ~ scale(log(positive)) + center(I(x ** 2)) + (scale(x)|g)",
    "y ~ poly(x, 3) + (1|g)",
    "y ~ poly(x, 3, raw=True) + (1|g)",
    "y ~ poly(x) + (1|g)",
    "y ~ poly(log(positive), degree=2) + (poly(x, 2)|g)",
    "y ~ bs(x, 5) + (1|g)",
    "y ~ bs(x, df=4, degree=2, intercept=True) + (1|g)",
    "y ~ bs(x, df=6, lower_bound=-20, upper_bound=20) + (1|g)",
    "y ~ bs(scale(x), df=4) + (bs(z, df=4)|g)",
    "y ~ I(x + z * 2 - 1) + I((x - 1) / 3) + I(-x ** 2) + (1|g)",
    "y ~ I(0.00001 * x) + I(x ** -2) + (1|g)",
    'y ~ I(x > 1) + I(f == "b") + I(z <= 0.5) + (1|g)',
    "y ~ f + (1|g)",
    "y ~ 0 + f + (1|g)",
    "y ~ h + f:h + (1|g)",
    "y ~ f * h + (1|g)",
    "y ~ 0 + f:h + x:f + (1|g)",
    "y ~ x * f * z + (1|g)",
    "y ~ x + f:h + (1|g)",
    "y ~ f:h + x:f + f:C(hit) + (1|g)",
    "y ~ x + (1 + f:h|g) + (0 + h:f|sub)",
    "y ~ h:f + (f:h + x|g/sub)",
    "y ~ x:f + f:poly(z, 2) + (1|g)",
    "y ~ C(n) + C(hit):x + (1|g)",
    "y ~ C(half) + C(flag) + flag:x + (1|g)",
    "y ~ hit + x:C(hit) + (f|g)",
    "y ~ x + (f|g) + (0 + f|h)",
    "y ~ x + (x * f|g)",
    "y ~ x + (x || g/sub) + (1|h)",
    "y ~ x + offset(log(exposure)) + offset(2) + (1|g)",
    "y ~ x + C(hit) + (1|hit:g)",
    "y ~ year + (year|year)",
    "y ~ half + (1|half) + (1|flag:g)",
]

CRE = [
    ("y ~ x + z + (1|g)", [{"group": "g"}]),
    ("y ~ x * f + (1|g)", [{"group": "g"}]),
    ("y ~ x + f:h + (1|g)", [{"group": "g"}]),
    ("y ~ x + f:h + (x|g)", [{"group": "g", "form": "within-between"}]),
    ("y ~ x + f + (x + f|g)", [{"group": "g", "form": "within-between"}]),
    ("y ~ poly(x, 2) + (1|g)", [{"group": "g", "form": "within-between"}]),
    ("y ~ x + z + (1|g) + (1|h)", [{"group": "g"}, {"group": "h", "terms": ["x"]}]),
    ("y ~ x + (1|g/sub)", [{"group": "g"}, {"group": "g:sub"}]),
    (
        "y ~ x + (x|g/sub)",
        [{"group": g, "form": "within-between"} for g in ("g", "g:sub")],
    ),
]


def rows():
    table = panel(n_groups=9, rows=14)
    rng = np.random.default_rng(5)
    table["n"] = rng.integers(1, 4, len(table))
    table["half"] = rng.integers(0, 3, len(table)) / 2
    table["flag"] = rng.random(len(table)) < 0.5
    table["year"] = 2000 + rng.integers(0, 5, len(table))
    return table


def stored_of(formula, table=None, **options):
    table = rows() if table is None else table
    spec = spec_of(formula, **options).spec
    frame = frame_of(table, spec)
    design = build_design(spec, frame)
    stored = describe_design(spec, frame, design, plan_model(spec, design))
    return stored, design, frame


def assert_same(found, fitted):
    assert found.shape == fitted.shape
    scale = np.abs(fitted).max(axis=0, initial=np.finfo(float).tiny)
    assert (np.abs(found - fitted) / scale).max(initial=0.0) <= EXACT


def check(stored, design, frame):
    assert stored.problem == ""
    stored = from_json(to_json(stored))
    values = frame_values(frame)
    means = RowMeans(() if design.contextual is None else design.contextual.means)
    evaluator = Evaluator(stored, [part.parameter for part in stored.parts])
    levels = evaluator.levels(values)
    parts = (design.main, *design.components.values())
    for own, fitted in zip(stored.parts, parts, strict=True):
        found = evaluator.part(own, values, levels, means, len(frame.table))
        assert_same(found.common, fitted.common_matrix)
        offset = np.zeros(design.n_obs) if fitted.offset is None else fitted.offset
        assert_same(found.offset, offset)
        for slope, term in zip(found.slopes, fitted.group, strict=True):
            assert_same(slope, term.values)
            assert (levels[term.factor.name].place == term.factor.index).all()


@pytest.mark.parametrize("formula", FORMULAS)
def test_fitted_rows_have_their_columns_again(formula):
    check(*stored_of(formula))


@pytest.mark.parametrize(("formula", "cre"), CRE)
def test_fitted_rows_have_their_level_means_again(formula, cre):
    check(*stored_of(formula, cre=cre))


def test_components_are_stored_with_their_own_terms():
    for right in ("~ scale(z) + f + (1 | h)", "~ f:h + (1 | g)"):
        check(*stored_of("y ~ x + (1|g)", components={"sigma": right}))


@pytest.mark.parametrize(
    ("family", "formula"),
    [
        ("categorical", "grade ~ x + f + (1|g)"),
        ("cumulative", "grade ~ x + f + (x|g)"),
        ("sratio", "grade ~ 0 + f + (1|g)"),
        ("binomial", "p(k, n) ~ x + (1|g)"),
    ],
)
def test_other_families_are_stored_too(family, formula):
    table = panel(n_groups=9, rows=14)
    check(*stored_of(formula, table, family=family))


def test_columns_with_names_that_no_formula_takes_are_stored():
    table = rows().rename(columns={"x": "price / unit", "f": "the group"})
    check(*stored_of("y ~ scale(`price / unit`) * `the group` + (`price / unit`|g)", table))


def test_few_rows_do_not_change_what_was_remembered():
    stored, design, frame = stored_of("y ~ scale(x) + poly(z, 2) + bs(x, df=5) + f + (f|g)")
    values = {name: column[3:5] for name, column in frame_values(frame).items()}
    evaluator = Evaluator(stored, ["mu"])
    found = evaluator.part(stored.main, values, evaluator.levels(values), RowMeans(()), 2)
    assert_same(found.common, design.main.common_matrix[3:5])


def test_a_design_that_does_not_give_its_rows_again_says_so(monkeypatch):
    from hiermix.studies.predict import describe

    monkeypatch.setattr(describe, "learn", lambda *_: {"scale(x)": {"mean": (0.0,), "sd": (1.0,)}})
    stored, _, _ = stored_of("y ~ scale(x) + (1|g)")
    assert "columns of mu differ" in stored.problem


def test_what_is_stored_is_refused_in_another_version():
    text = to_json(stored_of("y ~ x + (1|g)")[0])
    with pytest.raises(ValueError, match="version 9"):
        from_json(text.replace('"version": 1', '"version": 9'))
    with pytest.raises(ValueError, match="parts"):
        from_json('{"version": 1}')


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"formula": "y ~ x + (x|g)"', '"formula": "y ~ z + (x|g)"'),
        ('"formula": "y ~ x + (x|g)"', '"formula": "y ~ open(x) + (x|g)"'),
        ('"formula": "y ~ x + (x|g)"', '"formula": "y ~ x + (1|g)"'),
        ('"factor": "g"', '"factor": "h"'),
        ('"source": "x"', '"source": "w"'),
        ('"1|g": {', '"1|h": {'),
        ('"x": {\n   "kind"', '"w": {\n   "kind"'),
    ],
)
def test_a_design_whose_parts_do_not_fit_is_refused(old, new):
    text = to_json(stored_of("y ~ x + (x|g)")[0])
    check_consistent(from_json(text))
    assert old in text
    with pytest.raises(ValueError):
        check_consistent(from_json(text.replace(old, new)))


def test_rows_of_a_frame_become_numbers_and_texts():
    spec = spec_of("y ~ flag + f + (1|g)").spec
    values = frame_values(frame_of(rows(), spec))
    assert values["flag"].dtype == np.float64
    assert isinstance(values["f"][0], str)
    assert set(values) == {"y", "flag", "f", "g"}


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_predicted(example):
    path = spec_path(example)
    loaded = load_spec(path.read_bytes(), str(path))
    prepared = pipeline.prepare(loaded, path.parent, Silent())
    stored = describe_design(loaded.spec, prepared.frame, prepared.design, prepared.plan)
    check(stored, prepared.design, prepared.frame)
