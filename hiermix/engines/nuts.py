"""Engine ``nuts``: the Bambi-built PyMC model on nutpie, or on PyMC's own sampler."""

from __future__ import annotations

from typing import Any

from hiermix.engines.base import Fit, FitRequest, ProgressListener
from hiermix.engines.clock import Clock
from hiermix.engines.flags import prepare_pytensor
from hiermix.errors import EngineError
from hiermix.model.plan import ModelPlan, tree_name
from hiermix.model.reduction import reduce_plan, unreduced


class NutsEngine:
    """No-U-Turn sampling (Hoffman and Gelman 2014) of any model that Bambi can state."""

    name = "nuts"
    lacks: frozenset[str] = frozenset()

    def refusals(self, plan: ModelPlan) -> tuple[str, ...]:
        """Return nothing: every plan can be sampled."""
        return ()

    def sample(self, plan: ModelPlan, request: FitRequest, listener: ProgressListener) -> Fit:
        """Build, compile and sample.

        Returns
        -------
        Fit
            The same draws for the same plan and request, whatever the number of cores and the
            state of the compile cache.

        Raises
        ------
        EngineError
            No chain could start, or the sampler gave up.
        """
        clock = Clock()
        prepare_pytensor()
        listener.stage("compile")
        # Imported here: bambi and pymc take seconds, which commands that fit nothing must not pay.
        from hiermix.engines import nutpie_chains, pymc_chains
        from hiermix.engines.bambi_model import build_model
        from hiermix.engines.draws import stack_chains
        from hiermix.engines.posterior import posterior_tree
        from hiermix.engines.predictive import add_predictive

        clock.lap("import")
        reduction = reduce_plan(plan) if request.reduce else unreduced(plan, "data.reduce: off")
        clock.lap("reduce")
        built = build_model(reduction.plan)
        model = built.pymc_model
        clock.lap("build")
        free = [variable.name for variable in model.free_RVs]
        stored = list(dict.fromkeys([*built.names, *free]))
        dimensions = _dimensions(model)
        if request.sampler == "nutpie":
            compiled = nutpie_chains.compile_model(model, stored)
            clock.lap("compile")
            listener.stage("sample")
            chains = nutpie_chains.sample_chains(compiled, dimensions, request, listener)
        elif request.sampler == "pymc":
            listener.stage("sample")
            chains = pymc_chains.sample_chains(model, stored, request, listener)
        else:
            raise EngineError(
                "engine.unknown-sampler",
                f"no sampler {request.sampler!r}; expected nutpie or pymc",
            )
        clock.lap("sample")
        raw = stack_chains(chains)
        tree = posterior_tree(
            plan, built.names, raw, {"inference_library": request.sampler, "engine": self.name}
        )
        listener.stage("predict")
        skipped = add_predictive(
            tree,
            # Predictions and the pointwise log likelihood are those of the original rows.
            lambda: build_model(plan).pymc_model if reduction.merges else model,
            raw,
            tree_name(plan.design.response.name),
            request.seed,
        )
        clock.lap("predict")
        facts: dict[str, Any] = {
            "dimensions": dimensions,
            "adaptation": nutpie_chains.adaptation(dimensions)["adaptation"]
            if request.sampler == "nutpie"
            else "diag",
            "target_accept": request.target_accept or nutpie_chains.TARGET_ACCEPT,
            "left_out": skipped,
            "reduction": reduction.facts(),
        }
        return Fit(tree, self.name, request.sampler, request, facts, clock.seconds, self.lacks)


def _dimensions(model: Any) -> int:
    point = model.initial_point()
    return int(sum(value.size for value in point.values()))
