"""Tables of a run as files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts import tables as module
from hiermix.artefacts.tables import (
    read_level_means,
    read_tables,
    write_level_means,
    write_tables,
)
from hiermix.design.cre import LevelMeans
from hiermix.summary import Tables
from hiermix.summary.tables import CRE_COLUMNS, CRE_TEXTS
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
    audit = found.identification.astype({"n_partners": "Int64"})
    pd.testing.assert_frame_equal(audit, tables.identification, check_dtype=False)
    suffix = "csv" if limit > 36 else "parquet"
    for name in ("group_effects", "identification"):
        assert [p.suffix for p in tmp_path.glob(f"{name}.*")] == [f".{suffix}"]
    assert not (tmp_path / "cre.csv").exists()
    assert len(found.cre) == 0


def test_contextual_effects_read_back_exactly(tables: Tables, tmp_path: Path) -> None:
    texts = ("g", "x", "within", "")
    numbers = {c: [0.1 + 0.2] for c in CRE_COLUMNS if c not in (*CRE_TEXTS, "conclusion")}
    keys = (*CRE_TEXTS, "conclusion")
    row = {**{k: [t] for k, t in zip(keys, texts, strict=True)}, **numbers, "wald_p": [np.nan]}
    cre = pd.DataFrame(row)[list(CRE_COLUMNS)].astype(dict.fromkeys(keys, "str"))
    write_tables(tmp_path, replace(tables, cre=cre))
    pd.testing.assert_frame_equal(read_tables(tmp_path).cre, cre, check_exact=True)


def test_level_means_read_back_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    means = (
        LevelMeans(
            "g",
            ("b", "a,\n1", '"c"'),
            ("x", "f[b]"),
            rng.normal(size=(3, 2)),
            rng.uniform(size=3),
            np.array([3, 1, 2]),
            rng.normal(size=2),
        ),
        LevelMeans("h", ("z",), ("x",), np.ones((1, 1)), np.ones(1), np.ones(1), np.zeros(1)),
    )
    write_level_means(tmp_path, means)
    found = read_level_means(tmp_path)
    assert [m.group for m in found] == ["g", "h"]
    for got, expected in zip(found, means, strict=True):
        assert (got.levels, got.columns) == (expected.levels, expected.columns)
        for name in ("values", "weight", "n_rows", "overall"):
            np.testing.assert_array_equal(getattr(got, name), getattr(expected, name))
    # They are all that a prediction needs.
    rows = found[0].of_rows(["b", "new"], np.array([[5.0, 6.0], [7.0, 8.0]]))
    np.testing.assert_array_equal(rows, [means[0].values[0], [7.0, 8.0]])


def test_a_run_without_contextual_effects_has_no_level_means(tmp_path: Path) -> None:
    assert read_level_means(tmp_path) == ()


def test_headers_are_those_of_the_documentation(tables: Tables, tmp_path: Path) -> None:
    write_tables(tmp_path, tables)
    first = (tmp_path / "summary.csv").read_text().splitlines()[0]
    assert first == "parameter,role,mean,sd,median,lower,upper,mcse_mean,ess_bulk,ess_tail,rhat"
    first = (tmp_path / "group_effects.csv").read_text().splitlines()[0]
    assert first == (
        "group,level,term,n_rows,deviation_mean,deviation_sd,coefficient_mean,coefficient_sd,"
        "lower,upper,raw_estimate,raw_se,pooling,ess_bulk,rhat,identified,shrinkage,rank,prob_best"
    )
