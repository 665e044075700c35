import numpy as np
import nutpie
import pytest
from model_support import panel, plan_of
from run_support import Silent

from hiermix.engines import FitRequest, bambi_model
from hiermix.engines.nuts import NutsEngine
from hiermix.errors import EngineError

SHORT = {"tune": 100, "chains": 2, "seed": 1, "cores": 2}


@pytest.fixture
def calls(monkeypatch):
    """Return names of the costly calls, in their order."""
    seen = []

    def counted(module, name):
        original = getattr(module, name)

        def call(*given, **named):
            seen.append(name)
            return original(*given, **named)

        monkeypatch.setattr(module, name, call)

    counted(nutpie, "compile_pymc_model")
    counted(bambi_model, "build_model")
    return seen


def test_nothing_is_built_before_the_first_draws(calls):
    NutsEngine().open(plan_of(panel(), "y ~ x + (1 | g)"), Silent())
    assert calls == []


@pytest.mark.slow
def test_a_second_attempt_builds_and_compiles_nothing_and_extends_the_first(calls):
    session = NutsEngine().open(plan_of(panel(), "y ~ x"), Silent())
    first = session.sample(FitRequest(draws=50, **SHORT))
    assert calls == ["build_model", "compile_pymc_model"]
    assert first.seconds["compile"] > 0
    longer = session.sample(FitRequest(draws=120, **SHORT))
    careful = session.sample(FitRequest(draws=50, target_accept=0.99, max_treedepth=12, **SHORT))
    assert calls == ["build_model", "compile_pymc_model"]
    assert not {"build", "compile"} & (set(longer.seconds) | set(careful.seconds))
    draws = [fit.tree["posterior"]["Intercept"].values for fit in (first, longer, careful)]
    np.testing.assert_array_equal(draws[1][:, :50], draws[0])
    assert (draws[2] != draws[0]).any()
    assert careful.facts["target_accept"] == 0.99


@pytest.mark.slow
def test_an_unknown_sampler_is_an_error(calls):
    session = NutsEngine().open(plan_of(panel(), "y ~ 1"), Silent())
    with pytest.raises(EngineError, match="expected nutpie or pymc"):
        session.sample(FitRequest(draws=50, sampler="magic", **SHORT))
