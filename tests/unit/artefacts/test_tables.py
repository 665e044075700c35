"""Tables of a run as files."""

from pathlib import Path

import pandas as pd
import pytest

from hiermix.artefacts import tables as module
from hiermix.artefacts.tables import read_tables, write_tables
from hiermix.summary import Tables
from tests.unit.artefacts import fabric


@pytest.fixture(scope="module")
def tables() -> Tables:
    return fabric.result().tables


@pytest.mark.parametrize("limit", [100_000, 10])
def test_tables_read_back_exactly(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(module, "CSV_ROWS", limit)
    write_tables(tmp_path, tables)
    found = read_tables(tmp_path)
    for name in ("summary", "group_effects", "variance"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(tables, name), check_exact=True)
    suffix = "csv" if limit > 36 else "parquet"
    assert [p.suffix for p in tmp_path.glob("group_effects.*")] == [f".{suffix}"]


def test_headers_are_those_of_the_documentation(tables: Tables, tmp_path: Path) -> None:
    write_tables(tmp_path, tables)
    first = (tmp_path / "summary.csv").read_text().splitlines()[0]
    assert first == "parameter,role,mean,sd,median,lower,upper,mcse_mean,ess_bulk,ess_tail,rhat"
    first = (tmp_path / "group_effects.csv").read_text().splitlines()[0]
    assert first == (
        "group,level,term,n_rows,deviation_mean,deviation_sd,coefficient_mean,coefficient_sd,"
        "lower,upper,raw_estimate,raw_se,pooling,ess_bulk,rhat,identified"
    )
