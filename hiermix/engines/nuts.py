"""Engine ``nuts``: the Bambi-built PyMC model on nutpie, or on PyMC's own sampler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hiermix.engines.base import Fit, FitRequest, ProgressListener
from hiermix.engines.clock import Clock
from hiermix.engines.draws import ChainDraws, stack_chains
from hiermix.engines.loading import load_bambi, load_nutpie
from hiermix.errors import EngineError
from hiermix.model.plan import ModelPlan, tree_name
from hiermix.model.reduction import Reduction, reduce_plan, unreduced


class NutsEngine:
    """No-U-Turn sampling (Hoffman and Gelman 2014) of any model that Bambi can state."""

    name = "nuts"
    lacks: frozenset[str] = frozenset()

    def refusals(self, plan: ModelPlan) -> tuple[str, ...]:
        """Return nothing: every plan can be sampled."""
        return ()

    def open(self, plan: ModelPlan, listener: ProgressListener) -> NutsSession:
        """Take up a plan; nothing is built before the first draw."""
        return NutsSession(plan, listener)


@dataclass(frozen=True)
class _Model:
    """A built PyMC model.

    ``names`` maps its variables to the plan's, ``stored`` are those whose draws are kept and
    ``dimensions`` is how many numbers a draw has. Its rows are the cells of ``reduction``.
    """

    pymc: Any
    reduction: Reduction
    names: Mapping[str, str]
    stored: tuple[str, ...]
    dimensions: int


class NutsSession:
    """A plan's model, built and compiled for the first draws and kept for all that follow.

    PyMC's own sampler compiles with every chain; what nutpie has compiled takes any request.
    """

    def __init__(self, plan: ModelPlan, listener: ProgressListener) -> None:
        self._plan = plan
        self._listener = listener
        self._model: _Model | None = None
        self._rows: Any = None
        self._compiled: Any = None

    def sample(self, request: FitRequest) -> Fit:
        """Sample, after building and compiling what is not there yet.

        Returns
        -------
        Fit
            The same draws for the same plan and request, whatever the number of cores, the
            state of the compile cache and the requests before. Its seconds have no ``build``
            and ``compile`` where there was nothing to do.

        Raises
        ------
        EngineError
            No chain could start, or the sampler gave up.
        """
        clock = Clock()
        model = self._built(request.reduce, clock)
        chains = self._chains(model, request, clock)
        clock.lap("sample")
        # Imported here: arviz and pymc take seconds, which commands that fit nothing must not pay.
        from hiermix.engines import nutpie_chains
        from hiermix.engines.posterior import posterior_tree
        from hiermix.engines.predictive import add_predictive

        raw = stack_chains(chains)
        attributes = {"inference_library": request.sampler, "engine": NutsEngine.name}
        tree = posterior_tree(self._plan, model.names, raw, attributes)
        self._listener.stage("predict")
        response = tree_name(self._plan.design.response.name)
        skipped = add_predictive(
            tree,
            lambda: self._over_rows(model),
            raw,
            response,
            request.seed,
            of_means=self._plan.has_means,
        )
        clock.lap("predict")
        facts: dict[str, Any] = {
            "dimensions": model.dimensions,
            "adaptation": nutpie_chains.adaptation(model.dimensions)["adaptation"]
            if request.sampler == "nutpie"
            else "diag",
            "target_accept": request.acceptance,
            "left_out": skipped,
            "reduction": model.reduction.facts(),
        }
        return Fit(
            tree,
            NutsEngine.name,
            request.sampler,
            request,
            facts,
            clock.seconds,
            NutsEngine.lacks,
        )

    def _built(self, reduce: bool, clock: Clock) -> _Model:
        """Return the model; build it when it is first asked for."""
        if self._model is not None:
            return self._model
        self._listener.stage("compile")
        load_bambi()
        from hiermix.engines.bambi_model import build_model

        clock.lap("import")
        plan = self._plan
        reduction = reduce_plan(plan) if reduce else unreduced(plan, "data.reduce: off")
        clock.lap("reduce")
        built = build_model(reduction.plan)
        model = built.pymc_model
        free = [variable.name for variable in model.free_RVs]
        stored = tuple(dict.fromkeys([*built.names, *free]))
        self._model = _Model(model, reduction, built.names, stored, _dimensions(model))
        clock.lap("build")
        return self._model

    def _over_rows(self, model: _Model) -> Any:
        """Return the model of the original rows, to which predictions belong."""
        from hiermix.engines.bambi_model import build_model

        if model.reduction.plan is self._plan:
            return model.pymc
        if self._rows is None:
            self._rows = build_model(self._plan).pymc_model
        return self._rows

    def _chains(self, model: _Model, request: FitRequest, clock: Clock) -> list[ChainDraws]:
        if request.sampler == "nutpie":
            load_nutpie()
            from hiermix.engines import nutpie_chains

            if self._compiled is None:
                self._compiled = nutpie_chains.compile_model(model.pymc, model.stored)
                clock.lap("compile")
            self._listener.stage("sample")
            return nutpie_chains.sample_chains(
                self._compiled, model.dimensions, request, self._listener
            )
        if request.sampler == "pymc":
            from hiermix.engines import pymc_chains

            self._listener.stage("sample")
            return pymc_chains.sample_chains(model.pymc, model.stored, request, self._listener)
        raise EngineError(
            "engine.unknown-sampler",
            f"no sampler {request.sampler!r}; expected nutpie or pymc",
        )


def _dimensions(model: Any) -> int:
    point = model.initial_point()
    return int(sum(value.size for value in point.values()))
