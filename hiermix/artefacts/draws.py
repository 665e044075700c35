"""``posterior.nc``: the draws as ArviZ reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

POSTERIOR = "posterior.nc"

SLASH = "\N{DIVISION SLASH}"
"""Stands for ``/``, which separates groups in netCDF."""

PLAIN = (str, int, float)


def write_draws(folder: Path, tree: xr.DataTree) -> None:
    """Write every group of a DataTree with the names of its variables.

    Numbers keep their type (draws are ``float64``). netCDF refuses ``/`` in names and the null
    character in any text; a division slash and a replacement character stand for them.
    Attributes that are neither text nor number are written as text.
    """
    import xarray as xr

    groups = {path: _fit_to_write(node.to_dataset()) for path, node in tree.subtree_with_keys}
    written = xr.DataTree.from_dict({path: group for path, group in groups.items() if group})
    written.to_netcdf(folder / POSTERIOR, engine="h5netcdf")


def _fit_to_write(group: xr.Dataset) -> xr.Dataset:
    names = {str(name): _name(str(name)) for name in (*group.variables, *group.dims)}
    changed = {old: new for old, new in names.items() if new != old}
    renamed = group.rename(changed) if changed else group.copy()
    renamed.attrs = _attributes(renamed.attrs)
    for name, variable in renamed.variables.items():
        if variable.dtype.kind in "UO":
            texts = [_text(str(value)) for value in variable.to_numpy().flat]
            values = np.array(texts, dtype=object).reshape(variable.shape)
            renamed[name] = (variable.dims, values)
        renamed[name].attrs = _attributes(variable.attrs)
        # A file keeps its own compression and chunks, not those of where the draws came from.
        renamed[name].encoding = {}
    return renamed


def _name(name: str) -> str:
    return _text(name).replace("/", SLASH)


def _text(text: str) -> str:
    known = text.encode("utf-8", "replace").decode()
    return known.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _attributes(attributes: dict[Any, Any]) -> dict[str, Any]:
    return {
        _name(str(key)): value if type(value) in PLAIN else str(value)
        for key, value in attributes.items()
        if value is not None
    }


def read_draws(folder: Path) -> xr.DataTree:
    """Read ``posterior.nc`` into memory.

    Raises
    ------
    OSError, ValueError
        If there is none or it is damaged.
    """
    import xarray as xr

    with xr.open_datatree(folder / POSTERIOR, engine="h5netcdf") as tree:
        return tree.load()


def read_posterior(folder: Path) -> xr.Dataset:
    """Read the posterior of ``posterior.nc`` into memory, and none of the other groups.

    Raises
    ------
    OSError, ValueError
        If there is none or it is damaged.
    """
    import xarray as xr

    with xr.open_dataset(folder / POSTERIOR, group="posterior", engine="h5netcdf") as posterior:
        return posterior.load()
