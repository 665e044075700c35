"""Where a run may be written."""

import os
from pathlib import Path

import pytest

from hiermix.artefacts import run_directory
from hiermix.errors import EnvironmentFault, HiermixError, SpecError

BASE = Path("runs")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def test_a_run_goes_below_its_name() -> None:
    assert run_directory(None, BASE, "m", "0a1b") == Path("runs/m/0a1b")
    assert not BASE.exists()


def test_out_is_taken_as_it_is(tmp_path: Path) -> None:
    assert run_directory(tmp_path / "else" / "x", BASE, "m", "0a1b") == tmp_path / "else" / "x"


@pytest.mark.parametrize(
    ("base", "id"),
    [
        ("/etc/cron.d", "outputs.absolute"),
        ("~/runs", "outputs.home"),
        ("../runs", "outputs.outside"),
        ("runs/../../x", "outputs.outside"),
    ],
)
def test_a_base_outside_the_current_directory_is_refused(base: str, id: str) -> None:
    with pytest.raises(SpecError) as caught:
        run_directory(None, Path(base), "m", "0a1b")
    assert caught.value.id == id
    assert caught.value.where.key == "outputs.dir"


def test_a_symlink_that_leaves_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    Path("data").mkdir()
    Path("data/link").symlink_to(tmp_path / "outside")
    with pytest.raises(EnvironmentFault, match="data/link is a symlink") as caught:
        run_directory(None, Path("data/link/hm"), "m", "0a1b")
    assert caught.value.exit_code == 5
    assert caught.value.where.key == "outputs.dir"


def test_a_symlink_loop_is_refused() -> None:
    Path("loop").symlink_to("loop")
    with pytest.raises(EnvironmentFault, match="loop"):
        run_directory(None, Path("loop"), "m", "0a1b")


def test_a_symlink_inside_is_fine() -> None:
    Path("real").mkdir()
    Path("runs").symlink_to("real")
    assert run_directory(None, BASE, "m", "0a1b") == Path("runs/m/0a1b")


@pytest.mark.parametrize("out", [None, Path("data")])
def test_the_folder_of_the_data_is_refused(out: Path | None) -> None:
    Path("data").mkdir()
    with pytest.raises(SpecError, match="would overwrite input"):
        run_directory(out, Path("data"), "m", "0a1b", [Path("data/good.csv")])


def test_a_folder_that_is_not_a_run_is_left_alone() -> None:
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("x")
    with pytest.raises(EnvironmentFault, match="not a run directory"):
        run_directory(Path("mine"), BASE, "m", "0a1b")
    Path("file").write_text("x")
    with pytest.raises(EnvironmentFault, match="not a run directory"):
        run_directory(Path("file"), BASE, "m", "0a1b")


def test_an_empty_folder_and_an_older_run_can_be_taken() -> None:
    Path("empty").mkdir()
    assert run_directory(Path("empty"), BASE, "m", "0a1b") == Path("empty")
    Path("empty/manifest.json").write_text("{}")
    assert run_directory(Path("empty"), BASE, "m", "0a1b") == Path("empty")


@pytest.mark.parametrize("error", [PermissionError("no"), OSError("no")])
def test_a_folder_that_cannot_be_read_is_a_fault_of_the_environment(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("dark").mkdir()

    def refuse(self: Path) -> None:
        raise error

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(EnvironmentFault):
        run_directory(Path("dark"), BASE, "m", "0a1b")


def test_a_place_that_cannot_be_written_to_is_told_before_anything_is_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(HiermixError) as caught:
        run_directory(None, BASE, "m", "0a1b")
    assert caught.value.id == "outputs.permission"
