"""Write the generated part of README.md: the gate table, from the gate catalogue.

usage: python scripts/update_readme.py [--check]

With ``--check`` nothing is written; exit code 6 says that the table is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hiermix.gates.catalogue import load_catalogue
from hiermix.gates.explain import table

README = Path(__file__).resolve().parents[1] / "README.md"
START, END = "<!-- gates:start -->\n", "<!-- gates:end -->\n"


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip() or "-"


def gate_table() -> str:
    """Return the gates as a Markdown table, one column of limits for each policy."""
    policies = list(load_catalogue().policies)
    by_policy = {policy: {row["gate"]: row for row in table(policy)} for policy in policies}
    lines = [
        "| gate | phase | measures | " + " | ".join(policies) + " | settable in |",
        "|---" * (4 + len(policies)) + "|",
    ]
    for row in table(policies[0]):
        limits = [cell(by_policy[policy][row["gate"]]["limits"]) for policy in policies]
        cells = [
            f"`{row['gate']}`",
            row["phase"],
            cell(row["what"]),
            *limits,
            cell(row["settable"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def with_table(readme: str) -> str:
    """Return the README with the table between its markers.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    before, _, rest = readme.partition(START)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError("README.md has lost its gate markers")
    return before + START + gate_table() + END + after


def main(arguments: list[str]) -> int:
    old = README.read_text(encoding="utf-8")
    new = with_table(old)
    if "--check" in arguments:
        return 6 if new != old else 0
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
