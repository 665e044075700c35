"""What a run is, in 12 hex digits, and the versions that it depends on."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from typing import TYPE_CHECKING

from hiermix import __version__
from hiermix.spec import canonical_json

if TYPE_CHECKING:
    from hiermix.pipeline import Prepared

DECISIVE = ("bambi", "pymc", "pytensor", "nutpie", "numpy", "scipy", "numba")
"""Packages whose version can change draws; hiermix itself is one too."""

RECORDED = (*DECISIVE, "arviz", "duckdb", "formulae", "pandas", "xarray")
"""Packages whose version the manifest keeps."""

LENGTH = 12


def versions(packages: tuple[str, ...] = RECORDED) -> dict[str, str]:
    """Return the installed versions, hiermix first, without importing anything."""
    found = {"hiermix": __version__}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def fingerprint(prepared: Prepared) -> str:
    """Return the name of a run: the same spec, data and versions give the same 12 hex digits.

    The engine and the policy count too, since the command line can choose them.
    """
    identity = {
        "spec": canonical_json(prepared.loaded.spec),
        "data": prepared.frame.sha256,
        "engine": prepared.engine,
        "policy": prepared.verdict.policy,
        "versions": versions(DECISIVE),
    }
    text = json.dumps(identity, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
