"""Spec + design -> plan: every name and every prior resolved."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hiermix.design.rows import row_mean
from hiermix.design.types import Design, LinearPart
from hiermix.errors import DesignError, HiermixError, InputErrors, PriorError, Where
from hiermix.model.centring import plan_centring
from hiermix.model.defaults import (
    Defaults,
    auxiliary_default,
    component_defaults,
    correlation_default,
    main_defaults,
    threshold_defaults,
)
from hiermix.model.plan import ModelPlan, Parameter, correlation_name, tree_name
from hiermix.spec import RunSpec
from hiermix.spec.checks import names_correlations
from hiermix.spec.contextual import MEAN, WITHIN
from hiermix.spec.families import FAMILIES
from hiermix.spec.nearest import either
from hiermix.spec.priors import Prior, parse_prior

USE_EXPLAIN = "use the names that `explain` prints"

Dims = tuple[tuple[str, tuple[str, ...]], ...]


def plan_model(spec: RunSpec, design: Design) -> ModelPlan:
    """Resolve family, links, names, priors and parameterization.

    Parameters
    ----------
    spec
        The run spec.
    design
        Its design, which has passed the gates of the design phase.

    Returns
    -------
    ModelPlan
        Numeric priors for every parameter; nothing is left for Bambi to decide.

    Raises
    ------
    InputErrors
        Priors or bounds for names that the model does not have, or of the wrong support.
    """
    family = FAMILIES[spec.model.family]
    link = spec.model.link or family.link
    stated = _Stated.of(spec.priors)
    given = frozenset(
        t.name
        for t in design.main.common
        if stated.mentions(t.name) or (spec.cre and t.name.startswith(MEAN))
    )
    links = {family.parent: link}
    parameters = list(
        _part_parameters(
            design.main,
            "",
            main_defaults(design, family.name, link, given),
            stated,
            _response_dims(design, family.name),
        )
    )
    for name, part in design.components.items():
        links[name] = family.parameter(name).links[0]
        parameters += _part_parameters(part, f"{name}_", component_defaults(part), stated, ())
    parameters += _auxiliary(design, spec, stated)
    parameters = _distinct_dims(_bounded(parameters, spec.model.bounds, stated))
    stated.finish(parameters)
    sd_priors = {
        p.name.removesuffix("_sigma"): p.prior
        for p in parameters
        if p.role == "group_sd" and isinstance(p.prior, tuple)
    }
    centring = plan_centring(design, family.name, link, spec.model.parameterization, sd_priors)
    column_means = {
        part.parameter: tuple(row_mean(term.values, design.multiplicity) for term in part.common)
        for part in (design.main, *design.components.values())
        if part.intercept
    }
    return ModelPlan(
        design, family.name, links, tuple(parameters), centring, design.warnings, column_means
    )


@dataclass
class _Stated:
    """The user's priors, each ticked off as it is used; errors are collected."""

    priors: Mapping[str, Prior | float]
    used: set[str]
    errors: list[HiermixError]

    @classmethod
    def of(cls, texts: Mapping[str, str | int | float]) -> _Stated:
        priors = {
            name: parse_prior(value) if isinstance(value, str) else float(value)
            for name, value in texts.items()
        }
        return cls(priors, set(), [])

    def mentions(self, name: str) -> bool:
        return any(key == name or key.startswith(f"{name}[") for key in self.priors)

    def complain(self, id: str, message: str, key: str, hint: str) -> None:
        self.errors.append(PriorError(id, message, Where(key=key), hint))

    def take(
        self,
        name: str,
        columns: Sequence[str],
        default: Sequence[Prior],
        *,
        positive: bool = False,
    ) -> tuple[tuple[Prior, ...], bool]:
        """Return one prior a column and whether all of them are defaults."""
        found: list[Prior] = []
        own = True
        for column, fallback in zip(columns, default, strict=True):
            key = column if column in self.priors else name
            if key not in self.priors:
                found.append(fallback)
                continue
            self.used.add(key)
            own = False
            prior = self.priors[key]
            if not isinstance(prior, Prior):
                self.complain(
                    "prior.fixed-coefficient",
                    f"{key}: a distribution is needed, got the number {prior:g}",
                    f"priors.{key}",
                    "write for example LKJ(2)"
                    if names_correlations(key)
                    else f"write for example HalfNormal({prior if prior > 0 else 1:g})"
                    if positive
                    else "offset(...) in the formula fixes a coefficient",
                )
                found.append(fallback)
                continue
            if positive:
                self.check_positive(key, prior)
            found.append(prior)
        if len({p.distribution for p in found}) > 1:
            self.complain(
                "prior.mixed-distributions",
                f"{name}: the columns of one term need the same distribution, "
                f"got {', '.join(sorted({p.distribution for p in found}))}",
                f"priors.{name}",
                f"state one prior for {name}, or the same distribution for each column",
            )
        return tuple(found), own

    def check_positive(self, key: str, prior: Prior) -> None:
        if prior.bounds[0] < 0:
            self.complain(
                "prior.needs-positive",
                f"{key} needs a positive distribution; {prior.distribution} has negative values",
                f"priors.{key}",
                f"for example {key}: HalfNormal(1)",
            )

    def finish(self, parameters: Iterable[Parameter]) -> None:
        """Raise everything that was wrong, names that no parameter has included."""
        names = _prior_names(parameters)
        for key in self.priors:
            if key in self.used:
                continue
            close = difflib.get_close_matches(key, names, n=1)
            message = f"no parameter {key!r}; terms: {', '.join(names)}"
            if key.endswith("_sigma") and key.removesuffix("_sigma") in names:
                close = [key.removesuffix("_sigma")]
            self.complain(
                "prior.unknown-term",
                message,
                f"priors.{key}",
                contextual_hint(key, names)
                or _correlation_hint(key, names)
                or (f"did you mean {close[0]!r}?" if close else USE_EXPLAIN),
            )
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise InputErrors(self.errors)


def contextual_hint(key: str, names: Collection[str]) -> str:
    """Return what a name is called where ``cre`` has renamed or not made it, or nothing.

    Examples
    --------
    >>> contextual_hint("x|g", ["1|g", "cre_within_x|g"])
    "in the form within-between it is 'cre_within_x|g'"
    >>> contextual_hint("cre_mean_z", ["z", "cre_mean_x"])
    'z has no group mean: name it in `cre.terms`'
    """
    if f"{WITHIN}{key}" in names:
        return f"in the form within-between it is '{WITHIN}{key}'"
    if not key.startswith(MEAN):
        return ""
    by = [f"'{name}'" for name in names if name.startswith(f"{key}_by_")]
    if by:
        return f"did you mean {either(by)}?"
    term = key.removeprefix(MEAN)
    has_term = term in names or f"{WITHIN}{term}" in names
    return f"{term} has no group mean: name it in `cre.terms`" if has_term else ""


def _correlation_hint(key: str, names: Collection[str]) -> str:
    if not names_correlations(key) or any(names_correlations(name) for name in names):
        return ""
    return "only (x | g), with one bar and two or more effects a level, has correlations"


def _prior_names(parameters: Iterable[Parameter]) -> list[str]:
    names = []
    for parameter in parameters:
        if parameter.role == "group_specific" or parameter.name == "threshold":
            continue
        name = parameter.name
        names.append(name.removesuffix("_sigma") if parameter.role == "group_sd" else name)
    return names


def _part_parameters(
    part: LinearPart, prefix: str, defaults: Defaults, stated: _Stated, response: Dims
) -> Iterable[Parameter]:
    component = part.parameter
    if defaults.intercept is not None:
        name = f"{prefix}Intercept"
        prior, own = stated.take(name, (name,), (defaults.intercept,))
        yield Parameter(name, "common", response, component, prior, own)
    for term in part.common:
        name = prefix + term.name
        columns = [prefix + column for column in term.columns]
        prior, own = stated.take(name, columns, defaults.common[term.name])
        dims: Dims = () if term.labels is None else ((f"{name}_dim", term.labels),)
        yield Parameter(name, "common", dims + response, component, prior, own)
    for group in part.group:
        name = prefix + group.name
        expression = prefix + group.expression
        dims = () if group.labels is None else ((f"{expression}__expr_dim", group.labels),)
        columns = (
            [name]
            if group.labels is None
            else [f"{prefix}{column}|{group.factor.name}" for column in group.columns]
        )
        prior, own = stated.take(name, columns, defaults.group_sd[group.name], positive=True)
        yield Parameter(f"{name}_sigma", "group_sd", dims + response, component, prior, own)
        levels = ((f"{group.factor.name}__factor_dim", group.factor.levels),)
        yield Parameter(name, "group_specific", levels + dims + response, component)
    yield from _correlations(part, prefix, stated, response)


def _correlations(
    part: LinearPart, prefix: str, stated: _Stated, response: Dims
) -> Iterable[Parameter]:
    """Yield one parameter a factor: the correlations within all of its blocks."""
    labels: dict[str, tuple[str, ...]] = {}
    for block in part.correlated_blocks:
        labels[block.factor.name] = labels.get(block.factor.name, ()) + block.labels
    for factor, pairs in labels.items():
        name = f"{prefix}{correlation_name(factor)}"
        if f"{correlation_name(factor)}" in {term.name for term in part.group}:
            raise DesignError(
                "design.reserved-name",
                f"the effects of the column 'cor' by {factor} have the name of correlations",
                Where(key="model.formula"),
                f"rename the column, or write (... || {factor}) for independent effects",
            )
        prior, own = stated.take(name, (name,), (correlation_default(),))
        dims = ((f"{prefix}{factor}__cor_dim", pairs),)
        yield Parameter(name, "correlation", dims + response, part.parameter, prior, own)


def _auxiliary(design: Design, spec: RunSpec, stated: _Stated) -> Iterable[Parameter]:
    family = FAMILIES[spec.model.family]
    for parameter in family.parameters:
        name, role = parameter.name, parameter.role
        if name in design.components or (name == "sigma" and design.known_se is not None):
            continue
        if name == "threshold":
            priors = threshold_defaults(design, family.name)
            labels = tuple(str(i) for i in range(len(priors)))
            yield Parameter(name, "auxiliary", (("threshold_dim", labels),), name, priors)
            continue
        if isinstance(stated.priors.get(name), float):
            stated.used.add(name)
            value = float(stated.priors[name])  # type: ignore[arg-type]
            if not (value > 0 and math.isfinite(value)):
                stated.complain(
                    "prior.needs-positive",
                    f"{name} is fixed at {value:g}; > 0 needed",
                    f"priors.{name}",
                    "state a positive number or a distribution",
                )
            yield Parameter(name, role, (), name, value, False)
            continue
        prior, own = stated.take(
            name, (name,), (auxiliary_default(design, family.name, name),), positive=True
        )
        yield Parameter(name, role, (), name, prior, own)


def _response_dims(design: Design, family: str) -> Dims:
    if family != "categorical":
        return ()
    return ((f"{design.response.name}_dim", (design.response.levels or ())[1:]),)


def _bounded(
    parameters: list[Parameter],
    bounds: Mapping[str, tuple[float | None, float | None]],
    stated: _Stated,
) -> list[Parameter]:
    """Truncate the normal priors of the bounded coefficients."""
    coefficients = {p.name for p in parameters if p.role == "common"}
    for name in bounds:
        if name not in coefficients:
            close = difflib.get_close_matches(name, sorted(coefficients), n=1)
            stated.complain(
                "prior.unknown-bound",
                f"no common effect {name!r}; common effects: {', '.join(sorted(coefficients))}",
                f"model.bounds.{name}",
                contextual_hint(name, coefficients)
                or (
                    f"did you mean {close[0]!r}?"
                    if close
                    else "bounds are for population-level coefficients"
                ),
            )
    result = []
    for parameter in parameters:
        if parameter.role != "common" or parameter.name not in bounds:
            result.append(parameter)
            continue
        lower, upper = bounds[parameter.name]
        priors = parameter.prior
        assert isinstance(priors, tuple)  # common effects always have distributions
        if any(p.distribution != "Normal" for p in priors):
            stated.complain(
                "prior.bounds-need-normal",
                f"bounds on {parameter.name} need a Normal prior, got {priors[0].distribution}",
                f"model.bounds.{parameter.name}",
                "state the bounds in the prior itself, for example TruncatedNormal(...)",
            )
        result.append(replace(parameter, prior=tuple(_truncate(p, lower, upper) for p in priors)))
    return result


def _distinct_dims(parameters: list[Parameter]) -> list[Parameter]:
    """Rename dimensions that share a name but not the labels, and those that a tree refuses."""
    seen: dict[str, tuple[str, ...]] = {}
    result = []
    for parameter in parameters:
        dims = []
        for name, labels in parameter.dims:
            own = base = tree_name(name)
            number = 1
            while seen.setdefault(own, labels) != labels:
                number += 1
                own = f"{base}_{number}"
            dims.append((own, labels))
        result.append(replace(parameter, dims=tuple(dims)))
    return result


def _truncate(prior: Prior, lower: float | None, upper: float | None) -> Prior:
    if prior.distribution != "Normal":
        return prior
    limits = (("lower", lower), ("upper", upper))
    return Prior(
        "TruncatedNormal",
        prior.arguments + tuple((k, float(v)) for k, v in limits if v is not None),
    )
