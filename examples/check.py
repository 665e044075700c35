"""Compare a finished run with the outside numbers of an example.

usage: python examples/check.py RUN_DIRECTORY [examples/NAME/reference.json]

Prints one line a number and exits with 0 if all of them agree, 6 if one does not. The reference
is looked up by the name of the run, the directory above ``RUN_DIRECTORY``, if it is not given.
Each number carries how far a run may be from it: the example's priors, Monte Carlo error and a
different estimator (maximum likelihood, say) all move a posterior mean a little.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def find_value(check: dict[str, Any], run: Path) -> float:
    """Return the number of the run that a check is about.

    Raises
    ------
    LookupError
        If the tables of the run have no such row.
    """
    if "parameter" in check:
        rows, keys = read_table(run / "summary.csv"), ("parameter",)
    elif "scale" in check:
        rows, keys = read_table(run / "arms.csv"), ("group", "scale", "level")
    else:
        rows, keys = read_table(run / "group_effects.csv"), ("group", "term", "level")
    for row in rows:
        if all(row[key] == check[key] for key in keys):
            return float(row[check["column"]] or "nan")
    raise LookupError("the run has no " + ", ".join(f"{key} {check[key]!r}" for key in keys))


def label(check: dict[str, Any]) -> str:
    if "parameter" in check:
        return str(check["parameter"])
    if "scale" in check:
        return (
            f"{check['scale']} of {check['group'] or 'rows'} {check['level']} ({check['column']})"
        )
    return f"{check['term']} of {check['group']} {check['level']} ({check['column']})"


def compare(run: Path, reference: dict[str, Any]) -> list[tuple[str, float, float, float, str]]:
    """Return ``(label, value of the run, outside number, allowed distance, source)`` per check."""
    return [
        (label(c), find_value(c, run), float(c["value"]), float(c["within"]), c["source"])
        for c in reference["checks"]
    ]


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    run = Path(arguments[0]).resolve()
    given = [Path(a) for a in arguments[1:]]
    path = given[0] if given else EXAMPLES / run.parent.name / "reference.json"
    lines = compare(run, json.loads(path.read_text(encoding="utf-8")))
    width = max(len(name) for name, *_ in lines)
    off = 0
    for name, value, outside, within, source in lines:
        # A NaN must not pass: hence not (... <= ...).
        agrees = abs(value - outside) <= within
        off += not agrees
        mark = "ok " if agrees else "OFF"
        print(f"{mark} {name:<{width}} {value:10.4g} {outside:10.4g} +- {within:<6g} {source}")
    print(f"{len(lines) - off} of {len(lines)} agree")
    return 6 if off else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
