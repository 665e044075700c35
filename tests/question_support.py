"""Questions about plans with draws made by hand."""

import json

import numpy as np
import xarray as xr
from model_support import frame_of, spec_of

from hiermix.design import build_design
from hiermix.engines.base import Fit
from hiermix.model import plan_model
from hiermix.spec import load_spec
from hiermix.summary.questions.asking import answer_questions, check_questions
from tests.unit.summary import small


class Asked:
    """A model with random draws, and what it answers.

    Draws are around numbers that differ by parameter, so that nothing is right by symmetry.
    """

    def __init__(self, table, formula, *, seed=0, n_draws=200, chains=4, scale=0.3, **model):
        self.table, self.formula, self.model = table, formula, model
        self.loaded = spec_of(formula, **model)
        self.frame = frame_of(table, self.loaded.spec)
        self.design = build_design(self.loaded.spec, self.frame)
        self.plan = plan_model(self.loaded.spec, self.design)
        rng = np.random.default_rng(seed)
        self.draws = {}
        for parameter in self.plan.parameters:
            centre = rng.normal(0.2, scale, size=parameter.shape)
            values = centre + scale * rng.normal(size=(n_draws, *parameter.shape))
            positive = parameter.role in ("group_sd", "residual", "auxiliary")
            self.draws[parameter.name] = np.abs(values) + 0.1 if positive else values
        self.fit = Fit(self._tree(chains), "nuts", "nutpie", small.REQUEST)

    def _tree(self, chains) -> xr.DataTree:
        """Return the draws as an engine does; what the spec fixes is not among them."""
        variables, coordinates = {}, {"chain": np.arange(chains)}
        for parameter in self.plan.parameters:
            if not parameter.is_fixed:
                values = self.draws[parameter.name]
                values = values.reshape(chains, -1, *values.shape[1:])
                dims = [dim for dim, _ in parameter.dims]
                variables[parameter.variable] = (("chain", "draw", *dims), values)
                coordinates["draw"] = np.arange(values.shape[1])
            coordinates |= {dim: list(labels) for dim, labels in parameter.dims}
        groups = {
            "posterior": xr.Dataset(variables, coordinates),
            "observed_data": xr.Dataset(
                {"y": ("__obs__", self.design.response.values)},
                {"__obs__": np.arange(self.design.n_obs)},
            ),
        }
        return xr.DataTree.from_dict(groups)

    def spec(self, *questions):
        values = self.loaded.spec.model_dump(mode="json")
        values["questions"] = list(questions)
        return load_spec(json.dumps(values), "spec.yaml").spec

    def check(self, *questions):
        return check_questions(self.spec(*questions), self.frame, self.design, self.plan)

    def answers(self, *questions, failed=False):
        """Return the table of the answers."""
        spec = self.spec(*questions)
        check_questions(spec, self.frame, self.design, self.plan)
        return answer_questions(spec, self.frame, self.design, self.plan, self.fit, failed=failed)
