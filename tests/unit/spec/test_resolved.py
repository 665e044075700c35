import json

import pytest

from hiermix.spec import canonical_json, load_spec, resolved_yaml

TEXT = """\
data: {path: d.csv, types: {NO: category, 1e3: text}, na_values: ['', 'NA', '1e3', 'null']}
model: {formula: "y ~ x", bounds: {x: [0, null]}, parameterization: {1|g: centered}}
priors: {x: "Normal(0,1)", "a b": 1e-5, "1|g": HalfNormal(.3)}
fit: {seed: 7, target_accept: 0.95}
gates: {waive: {divergences: 'a "quoted" reason: #1, é'}}
"""


def load(text, name="a.yaml"):
    return load_spec(text, name).spec


def test_loading_the_resolved_spec_gives_the_same_spec():
    spec = load(TEXT)
    assert load(resolved_yaml(spec), "another.yaml") == spec


def test_the_resolved_spec_names_every_default():
    text = resolved_yaml(load(TEXT))
    for line in ('family: "gaussian"', "draws: 1000", 'dir: "runs"', "interval: 0.9"):
        assert f"\n  {line}\n" in text
    assert '\nname: "a"\n' in text


def test_what_was_chosen_is_filled_in_where_the_spec_left_it_open():
    spec = load(TEXT)
    priors = {"x": "Normal(mu=9, sigma=9)", "sigma": "HalfNormal(sigma=2.5)"}
    again = load(resolved_yaml(spec, priors, engine="nuts", link="log"))
    assert again.priors == {**spec.priors, "sigma": "HalfNormal(sigma=2.5)"}
    assert (again.fit.engine, again.model.link) == ("nuts", "log")
    assert again.fit.target_accept == 0.95
    assert again.data == spec.data


def test_canonical_json_does_not_depend_on_order_or_spelling():
    one = load(
        "data: {path: d}\nmodel: {formula: y ~ x}\npriors: {x: 'Normal(0,1)'}\nfit: {seed: 1}"
    )
    two = load("fit: {seed: 1}\npriors: {x: 'Normal(sigma=1.0)'}\nmodel: {formula: y ~ x}\n"
               "data: {missing: error, path: 'd'}")  # fmt: skip
    assert canonical_json(one) == canonical_json(two)
    assert json.loads(canonical_json(one))["fit"]["seed"] == 1


@pytest.mark.parametrize("change", ["fit: {seed: 2}", "fit: {seed: 1, draws: 101}"])
def test_canonical_json_tells_different_specs_apart(change):
    base = "data: {path: d}\nmodel: {formula: y ~ x}\n"
    assert canonical_json(load(base + "fit: {seed: 1}")) != canonical_json(load(base + change))
