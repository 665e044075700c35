"""Engine ``exact``: Gaussian models in collapsed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hiermix.engines.base import Fit, FitRequest, ProgressListener
from hiermix.engines.clock import Clock
from hiermix.engines.flags import prepare_pytensor
from hiermix.errors import EngineError, Where
from hiermix.model.plan import ModelPlan, tree_name


class ExactEngine:
    """Gaussian models with normal coefficients and group-specific effects.

    Coefficients and effects are integrated out in closed form; the variance parameters are sampled
    by independence Metropolis; coefficients and effects are then drawn from their exact
    conditional distribution.
    """

    name = "exact"
    lacks: frozenset[str] = frozenset({"divergences", "energy", "tree_depth"})

    def refusals(self, plan: ModelPlan) -> tuple[str, ...]:
        """Return why the plan is not such a model, or too large."""
        from hiermix.engines.exact.refusals import refusals

        return refusals(plan)

    def sample(self, plan: ModelPlan, request: FitRequest, listener: ProgressListener) -> Fit:
        """Reduce the rows, fit a proposal, run the chains, draw what was integrated out.

        Returns
        -------
        Fit
            The same draws for the same plan and request, whatever the number of cores.

        Raises
        ------
        EngineError
            The number of levels passed, but the pairs of them that meet are too many.
        """
        clock = Clock()
        prepare_pytensor()
        listener.stage("compile")
        # Imported here: bambi takes seconds, which commands that fit nothing must not pay.
        from threadpoolctl import threadpool_limits

        from hiermix.engines.bambi_model import build_model
        from hiermix.engines.exact.marginal import Marginal
        from hiermix.engines.exact.moments import TooLarge, reduce_rows
        from hiermix.engines.exact.outcome import add_outcome
        from hiermix.engines.exact.parameters import Parameters
        from hiermix.engines.exact.sampling import sample_all
        from hiermix.engines.exact.statement import read_statement
        from hiermix.engines.posterior import posterior_tree

        clock.lap("import")
        plain = replace(plan, centring=())
        statement = read_statement(plain, build_model(plain))
        clock.lap("build")
        # One thread of BLAS: its threads would spin on blocks of a few rows, and sums would
        # depend on their number.
        with threadpool_limits(1):
            parameters = Parameters.of(statement)
            try:
                moments = reduce_rows(statement)
            except TooLarge as error:
                raise EngineError(
                    "engine.too-large",
                    f"engine exact cannot fit this model: {error}",
                    Where(key="fit.engine"),
                    "fit.engine: nuts",
                ) from error
            clock.lap("reduce")
            listener.stage("sample")
            marginal = Marginal(parameters, moments, request.cores)
            raw, facts = sample_all(marginal, statement, request, listener)
            clock.lap("sample")
            names = {name: name for name in raw.values}
            tree = posterior_tree(
                plan, names, raw, {"inference_library": "hiermix", "engine": self.name}
            )
            listener.stage("predict")
            offset = plan.design.main.offset
            facts["left_out"] = add_outcome(
                tree,
                statement,
                raw.values,
                np.zeros(plan.design.n_obs) if offset is None else offset,
                tree_name(plan.design.response.name),
                request.seed,
            )
        clock.lap("predict")
        return Fit(tree, self.name, "independence", request, facts, clock.seconds, self.lacks)
