"""Which engine fits a plan."""

from __future__ import annotations

from collections.abc import Mapping

from hiermix.engines.base import Engine
from hiermix.engines.exact import ExactEngine
from hiermix.engines.nuts import NutsEngine
from hiermix.errors import EngineError, UsageError, Where
from hiermix.model.plan import ModelPlan

ENGINES: Mapping[str, Engine] = {"exact": ExactEngine(), "nuts": NutsEngine()}
"""Engines by name, in the order in which ``auto`` tries them."""


def choose_engine(asked: str, plan: ModelPlan) -> tuple[Engine, dict[str, tuple[str, ...]]]:
    """Return the engine and why those before it were passed over.

    Raises
    ------
    EngineError
        The engine that was asked for refuses the plan.
    UsageError
        It does not exist: no spec can name it.
    """
    if asked != "auto":
        if asked not in ENGINES:
            raise UsageError(
                "engine.unknown",
                f"no engine {asked!r}; engines: auto, {', '.join(ENGINES)}",
                hint="auto takes the first that can fit the model",
            )
        engine = ENGINES[asked]
        reasons = engine.refusals(plan)
        if reasons:
            raise EngineError(
                "engine.refused",
                f"engine {asked} cannot fit this model: {'; '.join(reasons)}",
                Where(key="fit.engine"),
                "fit.engine: auto takes the first that can",
            )
        return engine, {}
    refused: dict[str, tuple[str, ...]] = {}
    for name, engine in ENGINES.items():
        reasons = engine.refusals(plan)
        if not reasons:
            return engine, refused
        refused[name] = reasons
    raise EngineError("engine.none", "no engine can fit this model", Where(key="fit.engine"))


MAX_TAKEOVER = 300_000
"""Rows times columns that another engine may still be expected to get through in minutes."""


def engines_after(asked: str, chosen: str, plan: ModelPlan) -> tuple[str, ...]:
    """Return the engines that may take over from the one that was chosen, in their order.

    None where the spec names its engine, since only ``auto`` may change it, and none for models
    so large that what the first one has would be all that there is to see today.
    """
    main = plan.design.main
    columns = 1 + len(main.common_columns) + sum(len(term.columns) for term in main.group)
    if asked != "auto" or plan.design.n_obs * columns > MAX_TAKEOVER:
        return ()
    names = list(ENGINES)
    after = names[names.index(chosen) + 1 :]
    return tuple(name for name in after if not ENGINES[name].refusals(plan))
