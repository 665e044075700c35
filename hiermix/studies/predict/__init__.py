"""Predictions for new rows from what a finished run remembers, without its data or a fit."""

from hiermix.studies.predict.consistency import check_consistent
from hiermix.studies.predict.linear import NewLevels, Posterior
from hiermix.studies.predict.rehearsal import DrawsOutline, check_against_draws
from hiermix.studies.predict.request import Asked, column_role, column_types
from hiermix.studies.predict.rows import Batch, RowPredictor
from hiermix.studies.predict.stored import StoredDesign, StoredParameter, from_json, to_json

__all__ = [
    "Asked",
    "Batch",
    "DrawsOutline",
    "NewLevels",
    "Posterior",
    "RowPredictor",
    "StoredDesign",
    "StoredParameter",
    "check_against_draws",
    "check_consistent",
    "column_role",
    "column_types",
    "from_json",
    "to_json",
]
