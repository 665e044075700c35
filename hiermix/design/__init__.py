"""Frame + formula -> columns, group indexes and checks."""

from hiermix.design.arms import unfold_arms
from hiermix.design.build import build_design, column_places, wanted_columns
from hiermix.design.merging import merging_of
from hiermix.design.types import CommonTerm, Design, Factor, GroupTerm, LinearPart, Response

__all__ = [
    "CommonTerm",
    "Design",
    "Factor",
    "GroupTerm",
    "LinearPart",
    "Response",
    "build_design",
    "column_places",
    "merging_of",
    "unfold_arms",
    "wanted_columns",
]
