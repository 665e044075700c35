"""The page on posterior predictive checks names what is written; its numbers are the code's."""

from pathlib import Path

import pytest

from hiermix.engines.limits import MAX_PREDICTIVE, PREDICTIVE_DRAWS
from hiermix.gates import catalogue
from hiermix.summary.predictive import replicates, statistics, tails
from hiermix.summary.predictive.table import PREDICTIVE_COLUMNS, WARN_BELOW

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## `predictive_checks.csv`")[2].partition("\n## ")[0]
GATES = {gate.id: gate for gate in catalogue() if gate.phase == "posterior"}


def test_every_column_and_statistic_is_in_its_table() -> None:
    names = (*PREDICTIVE_COLUMNS, *statistics.OVERALL)
    assert [name for name in names if f"`{name}`" not in TABLE] == []


@pytest.mark.parametrize("gate", GATES)
def test_every_gate_of_the_posterior_is_explained_with_its_limits(gate: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{gate}` |")]
    limits = GATES[gate].limits
    assert f"below {limits['publish'].warn:g} (`explore` {limits['explore'].warn:g})" in row
    assert limits["strict"] == limits["publish"]


def test_the_report_marks_what_the_gates_warn_of() -> None:
    assert {gate.limits["publish"].warn for gate in GATES.values()} == {WARN_BELOW}


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"{replicates.MOST:,} data sets" in PAGE
    assert f"exceed {replicates.CELLS // 10**6} million, {replicates.LEAST} at least" in PAGE
    assert f"({replicates.CELLS // replicates.LEAST:,} rows and more)" in PAGE
    assert f"more than {replicates.MAX_ROWS:,} rows" in PAGE
    assert f"the {PREDICTIVE_DRAWS} data sets that are stored" in PAGE
    assert f"up to {MAX_PREDICTIVE // PREDICTIVE_DRAWS:,} rows" in PAGE
    assert f"fewer than {replicates.FEWEST_STORED} of these" in PAGE
    assert f"levels of {statistics.MIN_ROWS} rows or more" in PAGE
    assert f"{tails.TAIL_SHARE:.1%}".replace("%", " %") in PAGE
