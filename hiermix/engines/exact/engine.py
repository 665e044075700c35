"""Engine ``exact``: Gaussian models in collapsed form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hiermix.engines.base import Fit, FitRequest, ProgressListener
from hiermix.engines.clock import Clock
from hiermix.engines.loading import load_bambi
from hiermix.model.plan import ModelPlan, tree_name

if TYPE_CHECKING:
    from hiermix.engines.exact.moments import Moments
    from hiermix.engines.exact.parameters import Parameters
    from hiermix.engines.exact.proposal import Proposal
    from hiermix.engines.exact.statement import Statement


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

    def open(self, plan: ModelPlan, listener: ProgressListener) -> ExactSession:
        """Take up a plan; nothing is built before the first draw."""
        return ExactSession(plan, listener)


class ExactSession:
    """A plan's sufficient statistics and proposals, kept for all draws that follow the first."""

    def __init__(self, plan: ModelPlan, listener: ProgressListener) -> None:
        self._plan = plan
        self._listener = listener
        self._stated: tuple[Statement, Parameters, Moments] | None = None
        self._proposals: dict[tuple[int, int], Proposal | None] = {}

    def sample(self, request: FitRequest) -> Fit:
        """Fit a proposal if there is none yet, run the chains, draw what was integrated out.

        Returns
        -------
        Fit
            The same draws for the same plan and request, whatever the number of cores and the
            requests before.
        """
        # Imported here: these take seconds, which commands that fit nothing must not pay.
        from threadpoolctl import threadpool_limits

        from hiermix.engines.exact.marginal import Marginal
        from hiermix.engines.exact.outcome import add_outcome
        from hiermix.engines.exact.sampling import proposal_of, sample_all
        from hiermix.engines.posterior import posterior_tree

        plan, clock = self._plan, Clock()
        # One thread of BLAS: its threads would spin on blocks of a few rows, and sums would
        # depend on their number.
        with threadpool_limits(1):
            statement, parameters, moments = self._reduced(clock)
            self._listener.stage("sample")
            marginal = Marginal(parameters, moments, request.cores)
            fitted_by = request.seed, request.tune
            if fitted_by not in self._proposals:
                self._proposals[fitted_by] = proposal_of(marginal, *fitted_by)
            proposal = self._proposals[fitted_by]
            raw, facts = sample_all(marginal, proposal, statement, request, self._listener)
            clock.lap("sample")
            names = {name: name for name in raw.values}
            attributes = {"inference_library": "hiermix", "engine": ExactEngine.name}
            tree = posterior_tree(plan, names, raw, attributes)
            self._listener.stage("predict")
            offset = plan.design.main.offset
            facts["left_out"] = add_outcome(
                tree,
                statement,
                raw.values,
                np.zeros(plan.design.n_obs) if offset is None else offset,
                tree_name(plan.design.response.name),
                request.seed,
                of_means=plan.has_means,
            )
        clock.lap("predict")
        n_cells = None if plan.merged is None else plan.design.n_obs
        facts["reduction"] = moments.facts(plan.design.n_rows, n_cells)
        return Fit(
            tree,
            ExactEngine.name,
            "independence Metropolis",
            request,
            facts,
            clock.seconds,
            ExactEngine.lacks,
        )

    def _reduced(self, clock: Clock) -> tuple[Statement, Parameters, Moments]:
        """Return what the engine needs of the model; reduce the rows when it is first asked."""
        if self._stated is not None:
            return self._stated
        self._listener.stage("state")
        load_bambi()
        from hiermix.engines.bambi_model import build_model
        from hiermix.engines.exact.moments import reduce_rows
        from hiermix.engines.exact.parameters import Parameters
        from hiermix.engines.exact.statement import read_statement

        clock.lap("import")
        plain = replace(self._plan, centring=())
        statement = read_statement(plain, build_model(plain))
        clock.lap("build")
        self._listener.stage("reduce")
        moments = reduce_rows(statement)
        self._stated = statement, Parameters.of(statement), moments
        clock.lap("reduce")
        return self._stated
