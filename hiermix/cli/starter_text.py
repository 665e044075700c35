"""The commented spec that ``init`` writes."""

from __future__ import annotations

import json
import re

from hiermix.cli.starter import Start
from hiermix.cli.text import visible


def spec_name(stem: str) -> str:
    """Return a run name made from a file's stem.

    Examples
    --------
    >>> spec_name("Sales 2024 (final)")
    'Sales-2024-final'
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", stem).strip("-._")[:60] or "model"


def yaml_text(value: str) -> str:
    """Return a text as a double-quoted YAML scalar.

    JSON strings are YAML scalars; what a YAML reader could refuse is escaped on top.

    Examples
    --------
    >>> yaml_text("y ~ `a: b` # c")
    '"y ~ `a: b` # c"'
    """
    written = json.dumps(value, ensure_ascii=False)
    return "".join(c if visible(c) == c else f"\\U{ord(c):08x}" for c in written)


def starter_text(start: Start, name: str, data_path: str, spec_path: str) -> str:
    """Return the spec of a first model.

    Parameters
    ----------
    start
        The model.
    name
        Name of the run.
    data_path
        Data file, relative to the spec.
    spec_path
        Where the spec will be, for the commands in its comments.
    """
    missing = "drop" if start.drops_rows else "error"
    group = visible(start.group.name)
    notes = "\n".join(f"  # - {visible(reason)}" for reason in start.reasons)
    return f"""\
# A first hierarchical model, written by 'hiermix init' from the columns of the data.
#   hiermix validate {visible(spec_path)}    check it against the data
#   hiermix explain {visible(spec_path)}     see the model, its priors and what pools towards what
#   hiermix run {visible(spec_path)}         fit and judge it
schema_version: 1
name: {yaml_text(name)}

data:
  path: {yaml_text(data_path)}    # relative to this file
  missing: {missing}    # error: refuse rows without a value; drop: leave them out and count them

model:
{notes}
  # (1 | {group}): every one of the {start.group.distinct} levels has an own intercept, pulled
  # towards the common one. (1 + x | {group}) would give an own effect of x as well.
  formula: {yaml_text(start.formula)}
  family: {start.family}

# Priors have defaults scaled to the data; 'explain' prints them. To set one:
# priors:
#   "1|group": HalfNormal(0.3)    # the sd of the group effects

fit:
  draws: 1000
  tune: 1000
  chains: 4
  seed: 1

gates:
  policy: publish    # explore | publish | strict

outputs:
  dir: runs
"""
