"""Files and databases to a frame, with DuckDB as the embedded engine."""

from hiermix.data.frame import Frame, Role
from hiermix.data.read import list_columns, read_frame
from hiermix.data.source import Source

__all__ = ["Frame", "Role", "Source", "list_columns", "read_frame"]
