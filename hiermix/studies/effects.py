"""What a fit has on the levels of one factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hiermix.summary.draws import effect_names

if TYPE_CHECKING:
    from hiermix.design.types import Factor, GroupTerm
    from hiermix.model.plan import ModelPlan


def terms_of(plan: ModelPlan, factor: Factor) -> list[tuple[GroupTerm, int, str]]:
    """Return the group terms of a factor, by column, with the names of the common effects."""
    return [
        (term, column, name)
        for term in plan.design.main.group
        if term.factor.name == factor.name
        for column, name in enumerate(effect_names(plan, plan.design.main, term))
    ]


def effects_of(effects: pd.DataFrame, group: str, term: str) -> pd.DataFrame:
    """Return the rows of ``group_effects`` of one factor and term."""
    rows = effects[(effects["group"] == group) & (effects["term"] == term)]
    return rows.reset_index(drop=True)
