"""The models of complete and of no pooling."""

import json
from pathlib import Path

import numpy as np
import pytest
from model_support import panel
from run_support import Silent

from hiermix import pipeline
from hiermix.errors import UsageError
from hiermix.model.plan import ModelPlan
from hiermix.spec import load_spec
from hiermix.studies.arms import completely_pooled, not_pooled


@pytest.fixture
def prepare(tmp_path: Path):
    table = panel(n_groups=12, rows=12)
    table["size"] = table["g"].str[1:].astype(float)
    table.to_csv(tmp_path / "data.csv", index=False)

    def prepared(formula: str, priors=None, gates=None, **model) -> pipeline.Prepared:
        document = {
            "data": {"path": "data.csv"},
            "model": {"formula": formula, **model},
            "priors": priors or {},
            "fit": {"seed": 1},
            "gates": gates or {},
        }
        return pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), tmp_path, Silent())

    return prepared


def prior_texts(plan: ModelPlan) -> dict[str, list[str]]:
    return {
        p.name: [prior.text for prior in p.prior]
        for p in plan.parameters
        if isinstance(p.prior, tuple)
    }


def test_complete_pooling_only_lacks_the_effects_of_the_factor(prepare) -> None:
    before = prepare(
        "y ~ x + (x | g) + (1 | h)",
        {"1|g": "HalfNormal(3)", "x|g": "HalfNormal(1)", "cor|g": "LKJ(3)", "x": "Normal(0, 9)"},
        parameterization={"1|g": "centered", "1|h": "noncentered"},
    )
    after = completely_pooled(before, "g")
    own, old = prior_texts(after.plan), prior_texts(before.plan)
    assert set(old) - set(own) == {"1|g_sigma", "x|g_sigma", "cor|g"}
    assert own == {name: old[name] for name in own}
    assert [t.name for t in after.design.main.group] == ["1|h"]
    assert after.engine == "exact"
    assert after.loaded.spec.model.parameterization == {"1|h": "noncentered"}


def test_complete_pooling_of_nothing_is_refused(prepare) -> None:
    with pytest.raises(UsageError, match="no term is left"):
        completely_pooled(prepare("y ~ 0 + (1 | g)"), "g")


def test_no_pooling_has_independent_effects_of_wide_known_sds(prepare) -> None:
    before = prepare("y ~ x + (x | g) + (1 | h)", {"1|g": "HalfNormal(3)", "cor|g": "LKJ(3)"})
    found = not_pooled(before, "g", {"x": np.zeros(1)})
    after, wide = found.prepared, found.sds
    assert found.known == ()
    own, old = prior_texts(after.plan), prior_texts(before.plan)
    assert set(old) - set(own) == {"cor|g"}
    assert {n for n in own if own[n] != old[n]} == {"1|g_sigma", "x|g_sigma"}
    sd = before.design.response.values.std()
    assert wide["x|g"] == pytest.approx(100 * 2.5 * sd / before.design.main.group[1].values.std())
    for name in ("1|g", "x|g"):
        (prior,) = after.plan.parameter(f"{name}_sigma").prior
        mean = prior.get("alpha") / prior.get("beta")
        assert mean == pytest.approx(wide[name])
        assert prior.get("alpha") == 1e6


def test_every_column_of_a_factor_slope_has_its_wide_sd(prepare) -> None:
    before = prepare("y ~ f + (0 + f | g)", gates={"policy": "explore"})
    wide = not_pooled(before, "g", {}).sds
    assert set(wide) == {"f[a]|g", "f[b]|g", "f[c]|g"}


def test_on_a_scale_of_its_own_wide_is_less_wide(prepare) -> None:
    before = prepare("count ~ x + (1 | g)", family="poisson")
    wide = not_pooled(before, "g", {}).sds
    (default,) = before.plan.parameter("1|g_sigma").prior
    assert wide["1|g"] == pytest.approx(4 * default.get("sigma"))


def test_what_is_constant_within_levels_is_known_without_pooling(prepare) -> None:
    before = prepare("y ~ x + size + offset(z) + (x | g)", {"size": "Normal(0, 1)"})
    found = not_pooled(before, "g", {"size": np.array([0.7]), "x": np.zeros(1)})
    assert found.known == ("size",)
    main, old = found.prepared.design.main, before.design.main
    assert [t.name for t in main.common] == ["x"]
    size = next(t for t in old.common if t.name == "size").values[:, 0]
    np.testing.assert_allclose(main.offset, old.offset + 0.7 * size)
    # The response and what levels own stay; the model of the spec is as it was.
    assert found.prepared.design.response is before.design.response
    assert [t.name for t in old.common] == ["x", "size"]
