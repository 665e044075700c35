"""The resolved spec states every prior."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from model_support import panel, plan_of
from run_support import Silent

from hiermix.artefacts.resolve import prior_texts, resolved_spec, stated_priors
from hiermix.design.types import CommonTerm
from hiermix.model.plan import Parameter
from hiermix.pipeline import prepare
from hiermix.spec import load_spec
from hiermix.spec.priors import parse_prior
from tests.unit.artefacts import fabric


def test_it_loads_again_with_every_prior_and_choice(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    result = fabric.result()
    text = resolved_spec(result)
    spec = load_spec(text, "spec.resolved.yaml").spec
    assert spec.data.path == str(tmp_path / "sleepstudy.csv")
    assert spec.model.link == "identity"
    assert spec.fit.engine == "nuts"
    assert dict(spec.priors) == {
        "Intercept": "Normal(mu=298.5, sigma=140.5)",
        "Days": "Normal(mu=0, sigma=10)",
        "1|Subject": "HalfNormal(sigma=140.5)",
        "Days|Subject": "HalfNormal(sigma=48.8)",
        "sigma": "HalfStudentT(nu=4, sigma=56.2)",
    }


def test_a_run_in_which_engines_changed_is_repeated_by_auto_alone() -> None:
    result = fabric.result()
    (last,) = result.attempts
    first = replace(last, settings={**last.settings, "engine": "exact"})
    for attempts, engine in (((last, last), "nuts"), ((first, last), "auto")):
        text = resolved_spec(replace(result, attempts=attempts))
        assert load_spec(text, "spec.resolved.yaml").spec.fit.engine == engine


@pytest.mark.parametrize("origin", ["specs/a.yaml", "<stdin>"])
def test_data_are_found_from_any_folder(monkeypatch, tmp_path: Path, origin: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = fabric.result(load_spec(fabric.SPEC, origin))
    folder = tmp_path / "specs" if origin != "<stdin>" else tmp_path
    assert f'path: "{folder / "sleepstudy.csv"}"' in resolved_spec(result)


def test_columns_with_different_priors_are_stated_one_by_one() -> None:
    plan = fabric.plan(fabric.design(3, 4))
    days = plan.design.main.common[0]
    poly = CommonTerm("f", ("f[b]", "f[c]"), days.values.repeat(2, axis=1), ("b", "c"), True)
    main = replace(plan.design.main, common=(poly,))
    priors = (parse_prior("Normal(0, 1)"), parse_prior("Normal(0, 2)"))
    parameter = Parameter("f", "common", (("f_dim", ("b", "c")),), prior=priors)
    both = replace(plan, design=replace(plan.design, main=main), parameters=(parameter,))
    assert stated_priors(both) == {
        "f[b]": "Normal(mu=0, sigma=1)",
        "f[c]": "Normal(mu=0, sigma=2)",
    }
    same = replace(both, parameters=(replace(parameter, prior=priors[:1] * 2),))
    assert stated_priors(same) == {"f": "Normal(mu=0, sigma=1)"}
    assert prior_texts(parameter) == "Normal(mu=0, sigma=1); Normal(mu=0, sigma=2)"


def test_bounds_stay_apart_from_the_prior() -> None:
    plan = fabric.plan(fabric.design(3, 4))
    prior = parse_prior("TruncatedNormal(mu=0, sigma=2, lower=0)")
    bounded = replace(plan, parameters=(Parameter("Days", "common", prior=(prior,)),))
    assert stated_priors(bounded, frozenset({"Days"})) == {"Days": "Normal(mu=0, sigma=2)"}
    assert stated_priors(bounded)["Days"].startswith("TruncatedNormal(")


def test_the_prior_of_correlations_is_stated_and_planned_again() -> None:
    formula, components = "y ~ x + (x | g) + (f | h)", {"sigma": "~ z + (z | g)"}
    given = {"cor|h": "LKJ(3)"}
    plan = plan_of(panel(), formula, components=components, priors=given)
    stated = stated_priors(plan)
    assert {name: text for name, text in stated.items() if "cor|" in name} == {
        "cor|g": "LKJ(eta=2)",
        "cor|h": "LKJ(eta=3)",
        "sigma_cor|g": "LKJ(eta=2)",
    }
    again = plan_of(panel(), formula, components=components, priors=stated)
    assert [p.prior for p in again.parameters] == [p.prior for p in plan.parameters]


def test_a_fixed_number_is_left_to_the_spec() -> None:
    plan = fabric.plan(fabric.design(3, 4))
    fixed = replace(plan, parameters=(Parameter("sigma", "residual", prior=2.0),))
    assert stated_priors(fixed) == {}


@pytest.mark.parametrize("form", ["mundlak", "within-between"])
@pytest.mark.parametrize("formula", ["y ~ x * f + w + (x || g)", "y ~ poly(x, 2) + w + (1 | g)"])
def test_with_group_means_it_gives_the_same_design_and_priors(
    form, formula, tmp_path: Path
) -> None:
    table = panel(n_groups=12)
    # One category is missing in as many rows of every level: its mean is left out.
    table["w"] = table.groupby("g").cumcount() % 2
    table.to_csv(tmp_path / "data.csv", index=False)
    text = f"""
data: {{path: data.csv}}
model: {{formula: "{formula}"}}
cre: [{{form: {form}}}]
fit: {{seed: 1}}
"""
    first = prepare(load_spec(text, str(tmp_path / "spec.yaml")), tmp_path, Silent())
    stated = resolved_spec(SimpleNamespace(prepared=first, attempts=()))
    assert 'cre: [{group: "g", terms: [' in stated
    again = prepare(load_spec(stated, str(tmp_path / "resolved.yaml")), tmp_path, Silent())
    assert again.design.main.common_columns == first.design.main.common_columns
    assert again.design.contextual.columns == first.design.contextual.columns
    assert [p.prior for p in again.plan.parameters] == [p.prior for p in first.plan.parameters]
