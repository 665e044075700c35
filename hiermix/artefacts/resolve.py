"""The resolved spec: every default and every prior's numbers filled in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hiermix.spec import resolved_yaml
from hiermix.spec.priors import Prior

if TYPE_CHECKING:
    from hiermix.model.plan import ModelPlan, Parameter
    from hiermix.pipeline import Prepared, RunResult
    from hiermix.spec import LoadedSpec, RunSpec
    from hiermix.spec.models import CreSpec

STDIN = "<stdin>"

RESOLVED = "spec.resolved.yaml"


def resolved_spec(result: RunResult) -> str:
    """Return ``spec.resolved.yaml``: running it reproduces the run from any folder."""
    prepared = result.prepared
    spec = _with_absolute_data(prepared.loaded)
    return resolved_yaml(
        spec.model_copy(update={"cre": _stated_cre(prepared)}),
        priors=stated_priors(prepared.plan, frozenset(prepared.loaded.spec.model.bounds)),
        engine=None if _changed_engines(result) else prepared.engine,
        link=prepared.plan.links.get(prepared.design.main.parameter),
    )


def _changed_engines(result: RunResult) -> bool:
    """Tell whether one engine took over from another: only ``auto`` leads there again."""
    return len({attempt.settings["engine"] for attempt in result.attempts}) > 1


def _stated_cre(prepared: Prepared) -> tuple[CreSpec, ...]:
    """Return the entries of ``cre`` with the factor and the terms that were chosen."""
    entries = prepared.loaded.spec.cre
    contextual = prepared.design.contextual
    if contextual is None:
        return entries
    return tuple(
        entry.model_copy(update={"group": group, "terms": terms or None})
        for entry, (group, terms) in zip(entries, contextual.terms.items(), strict=True)
    )


def _with_absolute_data(loaded: LoadedSpec) -> RunSpec:
    folder = Path.cwd() if loaded.origin == STDIN else Path(loaded.origin).parent
    data = loaded.spec.data
    # The folder is resolved, the data path itself may be a glob.
    path = folder.absolute() / data.path
    return loaded.spec.model_copy(update={"data": data.model_copy(update={"path": str(path)})})


def stated_priors(plan: ModelPlan, bounded: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the priors of a plan as a spec states them: by name, one text each.

    Parameters
    ----------
    bounded
        Common effects whose bounds the spec states apart from the prior.

    Examples
    --------
    The sd of the group effects ``1|g`` is printed as ``1|g_sigma``; its prior is stated under
    ``1|g``. A term with several columns is stated by column where the priors differ.
    """
    columns = dict(_columns(plan))
    stated: dict[str, str] = {}
    for parameter in plan.parameters:
        if not isinstance(parameter.prior, tuple) or parameter.name == "threshold":
            continue
        name = parameter.name
        if parameter.role == "group_sd":
            name = name.removesuffix("_sigma")
        priors = [_unbounded(p) if name in bounded else p for p in parameter.prior]
        texts = [p.text for p in priors]
        if len(set(texts)) == 1:
            stated[name] = texts[0]
        else:
            stated.update(zip(columns[name], texts, strict=True))
    return stated


def _columns(plan: ModelPlan) -> Iterator[tuple[str, tuple[str, ...]]]:
    for part in plan.parts:
        for term in part.common:
            columns = tuple(plan.label(part, column) for column in term.columns)
            yield plan.label(part, term.name), columns
        for group in part.group:
            name = plan.label(part, group.name)
            own = (f"{column}|{group.factor.name}" for column in group.columns)
            yield name, tuple(plan.label(part, column) for column in own)


def _unbounded(prior: Prior) -> Prior:
    if prior.distribution != "TruncatedNormal":
        return prior
    kept = tuple((name, value) for name, value in prior.arguments if name in ("mu", "sigma"))
    return Prior("Normal", kept)


def prior_texts(parameter: Parameter) -> str:
    """Return the prior of a parameter for people: its different texts, joined.

    Examples
    --------
    >>> from hiermix.model.plan import Parameter
    >>> prior_texts(Parameter("sigma", "residual", prior=2.0))
    'fixed at 2'
    """
    if parameter.prior is None:
        return ""
    if isinstance(parameter.prior, tuple):
        return "; ".join(dict.fromkeys(p.text for p in parameter.prior))
    return f"fixed at {parameter.prior:g}"


def priors_by_label(parameter: Parameter) -> dict[str, str]:
    """Return the prior of each scalar of a parameter by its label, nothing where all are equal."""
    if not isinstance(parameter.prior, tuple) or len(set(parameter.prior)) == 1:
        return {}
    labels = [label for _, names in parameter.dims for label in names]
    return {label: p.text for label, p in zip(labels, parameter.prior, strict=True)}
