import copy

import jsonschema
import pytest

from hiermix.spec import json_schema
from hiermix.spec.models import SECTIONS

GOOD = {"data": {"path": "d.csv"}, "model": {"formula": "y ~ x + (x | g)"}, "fit": {"seed": 1}}

CONTRACT = {
    "schema_version": 1,
    "name": "ab-by-country",
    "data": {
        "path": "data.csv",
        "query": "SELECT * FROM data",
        "types": {"country": "category"},
        "missing": "error",
    },
    "model": {
        "formula": "y ~ x + (x | g)",
        "family": "gaussian",
        "link": None,
        "known_se": "se",
        "components": {"sigma": "~ 1 + (1 | g)"},
        "parameterization": "auto",
        "bounds": {"m_tv": [0, None]},
        "scale": False,
    },
    "cre": [{"group": "market", "terms": ["m_tv", "m_search"], "form": "mundlak"}],
    "priors": {"x": "Normal(0, 1)", "1|g": "HalfNormal(0.3)", "cor|g": "LKJ(2)", "z": 0.5},
    "fit": {"engine": "auto", "draws": 1000, "tune": 1000, "chains": 4, "seed": 1,
            "target_accept": None, "cores": None, "max_attempts": 3},
    "gates": {"policy": "publish", "limits": {"rhat": 1.01}, "waive": {"divergences": "why"}},
    "outputs": {"dir": "runs", "interval": 0.9, "interval_kind": "eti", "draws": "full",
                "report": True},
}  # fmt: skip


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("spec", [GOOD, CONTRACT])
def test_good_specs_are_valid(validator, spec):
    assert list(validator.iter_errors(spec)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("modle", {}), ("name", "../x"), ("schema_version", 2), ("data.path", 3),
        ("data.url", "x"), ("data.types", {"a": "factor"}), ("data.missing", "ignore"),
        ("model.formula", None), ("model.family", "gausian"), ("model.link", "loggit"),
        ("model.bounds", {"x": [0]}), ("model.parameterization", "sideways"),
        ("priors", {"x": "Normall(0, 1)"}), ("priors", {"x": "0.5"}), ("priors", {"x": True}),
        ("fit.draws", 99), ("fit.draws", 1000.5), ("fit.chains", 1), ("fit.seed", -1),
        ("fit.target_accept", 1), ("fit.target_accept", 0.4), ("fit.max_treedepth", 40),
        ("fit.cores", 0), ("gates.rhat_max", 5), ("gates.policy", "lax"),
        ("gates.limits", {"rhat": "x"}), ("outputs.interval", 1), ("outputs.interval", 0),
        ("cre", {"group": "g"}), ("cre", [{"terms": "x"}]), ("cre", [{"means": ["x"]}]),
    ],
)  # fmt: skip
def test_bad_specs_are_not(validator, key, value):
    spec = copy.deepcopy(GOOD)
    parent, _, name = key.rpartition(".")
    (spec.setdefault(parent, {}) if parent else spec)[name] = value
    assert list(validator.iter_errors(spec))


@pytest.mark.parametrize("key", ["data", "model", "fit", "data.path", "model.formula", "fit.seed"])
def test_required_keys_are_required(validator, key):
    spec = copy.deepcopy(GOOD)
    parent, _, name = key.rpartition(".")
    del (spec[parent] if parent else spec)[name]
    assert list(validator.iter_errors(spec))


def test_every_key_is_described_and_no_other_is_allowed():
    schema = json_schema()
    objects = [schema, *schema["$defs"].values()]
    assert len(objects) == len(SECTIONS)
    for part in objects:
        assert part["additionalProperties"] is False
        for name, inner in part["properties"].items():
            referred = schema["$defs"].get(inner.get("$ref", "").rpartition("/")[2], {})
            assert inner.get("description") or referred.get("description"), name
