import pickle

import pytest
from pydantic import BaseModel, ValidationError

from hiermix.spec import RunSpec
from hiermix.spec.models import FREE_MAPS, SECTIONS, section

MINIMAL = {"data": {"path": "d.csv"}, "model": {"formula": "y ~ x"}, "fit": {"seed": 1}}


def test_the_defaults_are_those_of_the_contract():
    spec = RunSpec.model_validate(MINIMAL)
    assert spec.schema_version == 1
    assert (spec.data.missing, spec.model.family, spec.model.link) == ("error", "gaussian", None)
    assert (spec.model.parameterization, spec.model.scale) == ("auto", False)
    fit = spec.fit
    assert (fit.engine, fit.draws, fit.tune, fit.chains, fit.max_attempts) == (
        "auto", 1000, 1000, 4, 3,
    )  # fmt: skip
    assert (fit.target_accept, fit.cores, fit.max_treedepth) == (None, None, 10)
    assert (spec.gates.policy, spec.gates.limits, spec.gates.waive) == ("publish", {}, {})
    outputs = spec.outputs
    assert (outputs.dir, outputs.interval, outputs.interval_kind) == ("runs", 0.9, "eti")
    assert (outputs.draws, outputs.report) == ("full", True)
    assert spec.cre == ()


def test_a_spec_is_frozen_and_pickles():
    spec = RunSpec.model_validate(MINIMAL)
    with pytest.raises(ValidationError):
        spec.fit = None
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize("model", SECTIONS.values())
def test_every_key_says_what_it_is_for(model):
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith((".", "}.", ")."))


def test_every_mapping_with_fixed_keys_is_a_section():
    seen = set()

    def walk(model):
        seen.add(model)
        for field in model.model_fields.values():
            for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    walk(inner)

    walk(RunSpec)
    assert seen == set(SECTIONS.values())
    assert section("cre.3") is SECTIONS["cre.*"]


def test_free_maps_are_mappings_of_the_spec():
    for key in FREE_MAPS:
        parent, _, name = key.rpartition(".")
        assert "Mapping" in str(section(parent).model_fields[name].annotation)
