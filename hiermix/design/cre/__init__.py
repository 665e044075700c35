"""Contextual (Mundlak, correlated random effects) columns: means of design columns by level."""

from hiermix.design.cre.build import Contextual, add_contextual, final_formula, row_weights
from hiermix.design.cre.checks import dependencies_of_means
from hiermix.design.cre.columns import ContextualColumn
from hiermix.design.cre.means import LevelMeans

__all__ = [
    "Contextual",
    "ContextualColumn",
    "LevelMeans",
    "add_contextual",
    "dependencies_of_means",
    "final_formula",
    "row_weights",
]
