"""Data files to a frame whose types can be trusted, with DuckDB inside."""

from hiermix.data.frame import Frame, Role
from hiermix.data.listing import describe_columns, list_columns
from hiermix.data.merging import Merging
from hiermix.data.read import read_frame
from hiermix.data.source import ColumnInfo, ColumnType, Source

__all__ = [
    "ColumnInfo",
    "ColumnType",
    "Frame",
    "Merging",
    "Role",
    "Source",
    "describe_columns",
    "list_columns",
    "read_frame",
]
