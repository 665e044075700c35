"""The only place where a ``bambi.Model`` is made.

Bambi sees sterile names and numeric columns; what it builds is the statement of every run.
Group-specific terms enter as index + slope columns through a subclass of Bambi's own term, so
formulae's rows x levels indicator never exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bambi as bmb
import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
from bambi.terms import GroupSpecificTerm

from hiermix.design.types import Design, GroupTerm, LinearPart
from hiermix.engines.hierarchy import Hierarchy, sd_distribution
from hiermix.model.centring import build_order
from hiermix.model.plan import ModelPlan, correlation_name
from hiermix.spec.families import COUNT_FAMILIES
from hiermix.spec.priors import Prior

INTEGER_FAMILIES = COUNT_FAMILIES | {"bernoulli"}
MAX_TERMS = 1000


class IndexedTerm(GroupSpecificTerm):  # type: ignore[misc]
    """Bambi's group-specific term, fed with an index in place of dummy columns.

    Parameters
    ----------
    name
        Sterile name.
    term
        Levels, index (shape ``(n_obs,)``) and slope columns (``(n_obs, k)``).
    prior
        Bambi prior with a hyperprior for ``sigma``.
    """

    def __init__(self, name: str, term: GroupTerm, prior: bmb.Prior) -> None:
        self._hyperprior_alias: dict[str, str] = {}
        self._name = name
        self.prior = prior
        self.prefix = None
        self.group_index = term.factor.index
        self.data = term.values if term.labels is not None else term.values[:, 0]
        self._coords = {f"{name}__factor_dim": np.arange(term.factor.n_groups)}
        if term.labels is not None:
            self._coords[f"{name}__expr_dim"] = np.arange(len(term.labels))

    name = property(lambda self: self._name)
    kind = property(lambda self: "numeric")
    categorical = property(lambda self: False)
    coords = property(lambda self: dict(self._coords))
    predictor = property(lambda self: self.data)


@dataclass(frozen=True)
class BuiltModel:
    """A built model and how its variables are called in the plan.

    Attributes
    ----------
    model
        The built ``bambi.Model``.
    names
        Name in the model -> name in the plan, for every parameter that is sampled.
    """

    model: bmb.Model
    names: Mapping[str, str]

    @property
    def pymc_model(self) -> Any:
        """The ``pymc.Model`` that Bambi built."""
        return self.model.backend.model


def build_model(plan: ModelPlan) -> BuiltModel:
    """Build the plan's ``bambi.Model``.

    Parameters
    ----------
    plan
        Columns, indexes, numeric priors and parameterization.

    Returns
    -------
    BuiltModel
        Built, not compiled: takes milliseconds. Its intercepts are those at centred columns, to
        which their priors refer.
    """
    design = plan.design
    data, left = _response(design, plan.family)
    blocks: dict[int, np.ndarray] = {}
    names: dict[str, str] = {}
    priors: dict[str, Any] = {}
    constant: dict[tuple[str, str], np.ndarray] = {}
    formulas = []
    for number, part in enumerate(plan.parts):
        main = part is design.main
        prefix = "" if main else f"{part.parameter}_"
        own = priors if main else priors.setdefault(part.parameter, {})
        pieces = ["1" if part.intercept else "0"]
        if part.intercept:
            label = plan.label(part, "Intercept")
            names[f"{prefix}Intercept"] = label
            own["Intercept"] = _prior(plan, label)
        for index, (term, centre) in enumerate(zip(part.common, plan.centres(part), strict=True)):
            sterile = common_name(number, index, len(term.columns))
            values = term.values - centre
            if (values == values[0]).all():
                # Bambi refuses it. Only a part of the rows has such columns: their priors stay.
                constant[part.parameter, sterile] = np.squeeze(values)
                values = np.arange(values.size, dtype=float).reshape(values.shape)
            if len(term.columns) == 1:
                data[sterile] = values[:, 0]
            else:
                blocks[number * MAX_TERMS + index] = values
            label = plan.label(part, term.name)
            names[prefix + sterile] = label
            own[sterile] = _prior(plan, label)
            pieces.append(sterile)
        if part.offset is not None or len(pieces) == 1:
            data[f"o{number}"] = np.zeros(design.n_obs) if part.offset is None else part.offset
            pieces.append(f"offset(o{number})")
        formulas.append(f"{left if main else part.parameter} ~ {' + '.join(pieces)}")
    links = dict(plan.links)
    if design.known_se is not None:
        links["sigma"] = "log"
        data["log_se"] = np.log(design.known_se)
        formulas.append("sigma ~ 0 + offset(log_se)")
    for parameter in plan.parameters:
        if parameter.role not in ("residual", "auxiliary"):
            continue
        if isinstance(parameter.prior, float):
            priors[parameter.name] = parameter.prior
        else:
            names[parameter.name] = parameter.name
            if parameter.name != "threshold":
                priors[parameter.name] = _prior(plan, parameter.name)
    model = bmb.Model(
        bmb.Formula(*formulas),
        pd.DataFrame(data),
        family=plan.family,
        link=links,
        priors=priors,
        extra_namespace={"block": blocks.__getitem__},
        center_predictors=False,  # they are, at the means of the original rows
    )
    for (component, sterile), values in constant.items():
        model.parameters[component].terms[sterile].data = values
    hierarchies = [
        _add_group_terms(plan, model, number, part, names)
        for number, part in enumerate(plan.parts)
        if part.group
    ]
    model.build()
    if plan.within_ss:
        _add_within_cells(plan, model.backend.model)
    with model.backend.model:
        for hierarchy in hierarchies:
            hierarchy.add_correlations()
    return BuiltModel(model, names)


def _add_within_cells(plan: ModelPlan, model: Any) -> None:
    """Add what the means of merged Gaussian rows do not tell about the residual sd."""
    fixed = plan.parameter("sigma").prior
    sigma = fixed if isinstance(fixed, float) else model["sigma"]
    with model:
        pm.Potential("within_cells", -plan.within_ss / (2 * pt.square(sigma)))


def common_name(part: int, index: int, width: int) -> str:
    """Return the sterile name of a common term: a column, or a block of columns."""
    return f"c{part}_{index}" if width == 1 else f"block({part * MAX_TERMS + index})"


def _response(design: Design, family: str) -> tuple[dict[str, Any], str]:
    response = design.response
    data: dict[str, Any] = {"y": response.values}
    if response.kind == "proportion":
        data["y"] = response.values.astype(np.int64)
        data["trials"] = np.asarray(response.trials).astype(np.int64)
        return data, "p(y, trials)"
    if response.kind == "censored":
        data["status"] = pd.Categorical.from_codes(
            (np.asarray(response.status).astype(np.int64) + 1).tolist(),
            categories=pd.Index(["left", "none", "right"], dtype=object),
        )
        return data, "censored(y, status)"
    if response.kind == "truncated":
        data["lower"], data["upper"] = response.lower, response.upper
        return data, "truncated(y, lower, upper)"
    if response.kind == "weighted":
        data["w"] = response.weights
        return data, "weighted(y, w)"
    if response.levels is not None and len(response.levels) > 2:
        data["y"] = pd.Categorical.from_codes(
            response.values.astype(np.int64).tolist(),
            categories=pd.Index([f"k{i:03d}" for i in range(len(response.levels))], dtype=object),
            ordered=True,
        )
    elif family in INTEGER_FAMILIES:
        data["y"] = response.values.astype(np.int64)
    return data, "y"


def _add_group_terms(
    plan: ModelPlan, model: bmb.Model, number: int, part: LinearPart, names: dict[str, str]
) -> Hierarchy:
    """Add the group terms, each after those that its coordinates refer to."""
    prefix = "" if part is plan.design.main else f"{part.parameter}_"
    centring = {c.term: c for c in plan.centring} if part is plan.design.main else {}
    common = tuple(
        prefix + common_name(number, index, len(term.columns))
        for index, term in enumerate(part.common)
    )
    intercept = f"{prefix}Intercept" if part.intercept else None
    correlations = _correlations(plan, number, part, names)
    hierarchy = Hierarchy(part, common, intercept, plan.centres(part), correlations)
    correlated = {term.name for block in part.correlated_blocks for term in block.terms}
    for term in build_order(part.group):
        label = plan.label(part, term.name)
        sterile = f"{prefix}u{number}_{part.group.index(term)}"
        names[sterile] = label
        names[f"{sterile}_sigma"] = f"{label}_sigma"
        hyperprior = _prior(plan, f"{label}_sigma")
        if term.name in centring:
            folded = sd_distribution(hyperprior.name, hyperprior.args)
            if folded is not None:
                hyperprior = bmb.Prior("Folded", dist=folded, **hyperprior.args)
        if term.name in centring or term.name in correlated:
            hook = hierarchy.distribution(
                term, centring.get(term.name), hyperprior.args.get("sigma")
            )
            prior = bmb.Prior("Centred", dist=hook, noncentered=False, sigma=hyperprior)
        else:
            prior = bmb.Prior("Normal", mu=0, sigma=hyperprior)
        component = model.parameters[part.parameter]
        component.terms[sterile] = IndexedTerm(sterile, term, prior)
    return hierarchy


def _correlations(
    plan: ModelPlan, number: int, part: LinearPart, names: dict[str, str]
) -> dict[str, tuple[str, float]]:
    """Return sterile name and LKJ parameter of every factor's correlations; extend ``names``."""
    found: dict[str, tuple[str, float]] = {}
    for factor in dict.fromkeys(block.factor.name for block in part.correlated_blocks):
        sterile, label = f"r{number}_{len(found)}", plan.label(part, correlation_name(factor))
        names[sterile] = label
        found[factor] = (sterile, float(_prior(plan, label).args["eta"]))
    return found


def _prior(plan: ModelPlan, name: str) -> bmb.Prior:
    priors = plan.parameter(name).prior
    assert isinstance(priors, tuple)  # numbers are handled where they are allowed
    return bambi_prior(priors)


def bambi_prior(priors: Sequence[Prior]) -> bmb.Prior:
    """Return one Bambi prior for the columns of a term.

    Several priors have the same distribution; their arguments become arrays of shape ``(k,)``.
    """
    first = priors[0]
    if len(priors) == 1:
        return bmb.Prior(first.distribution, **dict(first.arguments))
    arguments = {
        name: np.array([prior.get(name) for prior in priors]) for name, _ in first.arguments
    }
    return bmb.Prior(first.distribution, **arguments)
