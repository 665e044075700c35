"""A stored run gives back what was written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts import StoredRun, finished, read_run, write_report, write_run
from hiermix.errors import EnvironmentFault
from tests.unit.artefacts import fabric


@pytest.fixture(scope="module")
def result():
    return fabric.result()


@pytest.fixture
def stored(result, tmp_path: Path) -> StoredRun:
    write_run(result, tmp_path / "m" / "out")
    return read_run(tmp_path / "m" / "out")


def test_tables_findings_measurements_and_draws_come_back(result, stored: StoredRun) -> None:
    pd.testing.assert_frame_equal(stored.tables.summary, result.tables.summary)
    pd.testing.assert_frame_equal(stored.tables.group_effects, result.tables.group_effects)
    assert stored.verdict == result.verdict
    assert stored.findings == result.verdict.findings
    assert [m.metric for m in stored.measurements] == ["rhat", "divergences"]
    assert stored.measurements[0] == result.measurements[0]
    days = result.fit.tree["posterior"]["Days"].values
    np.testing.assert_array_equal(stored.tree["posterior"]["Days"].values, days)


def test_the_report_is_rendered_again_to_the_same_page(stored: StoredRun) -> None:
    path = stored.path / "report.html"
    before = path.read_bytes()
    manifest = (stored.path / "manifest.json").read_bytes()
    assert write_report(stored) == path
    assert path.read_bytes() == before
    assert (stored.path / "manifest.json").read_bytes() == manifest


def test_a_report_that_was_not_wanted_at_first_is_listed_when_it_is_written(
    tmp_path: Path,
) -> None:
    loaded = fabric.load(overrides=("outputs.report=false",))
    write_run(fabric.result(loaded), tmp_path / "out")
    path = write_report(read_run(tmp_path / "out"))
    manifest = finished(tmp_path / "out")
    assert manifest is not None
    assert manifest.files["report.html"]["bytes"] == path.stat().st_size


def test_a_link_to_a_run_is_a_run(stored: StoredRun) -> None:
    link = stored.path.parent / "latest"
    link.symlink_to(stored.path.name)
    write_report(read_run(link))
    assert link.is_symlink()
    assert finished(stored.path) is not None


@pytest.mark.parametrize("name", ["summary.csv", "gates.json", "posterior.nc"])
def test_a_damaged_run_is_not_opened(stored: StoredRun, name: str) -> None:
    (stored.path / name).write_bytes(b"x")
    with pytest.raises(EnvironmentFault, match="damaged"):
        read_run(stored.path)


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("summary.csv", "tables"),
        ("gates.json", "verdict"),
        ("measurements.csv", "measurements"),
        ("posterior.nc", "tree"),
        ("plots/forest.svg", "figures"),
    ],
)
@pytest.mark.parametrize("content", [None, b"\xff{", b""])
def test_damage_after_opening_is_told_when_it_is_met(
    stored: StoredRun, name: str, attribute: str, content: bytes | None
) -> None:
    (stored.path / name).unlink()
    if content is not None:
        (stored.path / name).write_bytes(content)
    if name.endswith("svg") and content == b"":
        assert stored.figures["forest.svg"] == ""
        return
    with pytest.raises(EnvironmentFault, match="damaged"):
        getattr(stored, attribute)


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="not a run directory"):
        read_run(tmp_path)
