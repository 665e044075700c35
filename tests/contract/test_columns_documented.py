"""Every column, key and file that hiermix writes is in a table of the documentation.

A further table needs one line in `PAGES`: its file, the page in charge and the words after which
the page has its table; and where a command of its own writes it, one in `COMMANDS`. A file that is
written here and that nobody registered fails the test.
"""

import csv
import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts.judgement import FINDING_FIELDS, MEASUREMENT_FIELDS
from hiermix.artefacts.manifest import Manifest
from hiermix.artefacts.prediction_files import OWN
from hiermix.cli import main
from hiermix.escalation import Attempt
from hiermix.studies import compare, left_out, pooling, prior_check, truth
from hiermix.studies.predict.stored import StoredDesign
from hiermix.summary import group_effects, identification, population, variance
from hiermix.summary.arms.table import ARMS_COLUMNS
from hiermix.summary.predictive.table import PREDICTIVE_COLUMNS
from hiermix.summary.questions.table import QUESTION_COLUMNS
from hiermix.summary.tables import CRE_COLUMNS

DOCS = Path(__file__).resolve().parents[2] / "docs"

RUN = "run-directory.md"

PAGES = {
    "summary.csv": (RUN, "## `summary.csv`"),
    "cre_means.csv": (RUN, "## `cre_means.csv`"),
    "gates.csv": (RUN, "## `gates.csv`"),
    "measurements.csv": (RUN, "## `measurements.csv`"),
    "attempts.jsonl": (RUN, "## `attempts.jsonl`"),
    "manifest.json": (RUN, "## `manifest.json`"),
    "group_effects.csv": ("pooling.md", "## `group_effects.csv`"),
    "variance.csv": ("pooling.md", "## `variance.csv`"),
    "cre.csv": ("contextual.md", "## `cre.csv`"),
    "identification.csv": ("identification.md", "## `identification.csv`"),
    "questions.csv": ("questions.md", "## `questions.csv`"),
    "arms.csv": ("arms.md", "## `arms.csv`"),
    "predictive_checks.csv": ("checks.md", "## `predictive_checks.csv`"),
    "levels.csv": ("pooling.md", "`levels.csv`:"),
    "accuracy.csv": ("pooling.md", "`accuracy.csv`, a row"),
    "truth.csv": ("pooling.md", "`truth.csv`, a row"),
    "compare.csv": ("compare.md", "## `compare.csv`"),
    "prior_check.csv": ("prior-check.md", "## `prior_check.csv`"),
    "predictions.csv": ("prediction.md", "## Columns"),
}
"""File -> page of the documentation, and the words that come before its table."""

CONSTANTS = {
    "summary.csv": population.COLUMNS,
    "gates.csv": FINDING_FIELDS,
    "measurements.csv": MEASUREMENT_FIELDS,
    "attempts.jsonl": [field.name for field in fields(Attempt)],
    "manifest.json": [field.name for field in fields(Manifest) if field.name != "path"],
    "group_effects.csv": group_effects.COLUMNS,
    "variance.csv": variance.COLUMNS,
    "cre.csv": CRE_COLUMNS,
    "identification.csv": identification.COLUMNS,
    "questions.csv": QUESTION_COLUMNS,
    "arms.csv": ARMS_COLUMNS,
    "predictive_checks.csv": PREDICTIVE_COLUMNS,
    "levels.csv": pooling.LEVEL_COLUMNS,
    "accuracy.csv": left_out.ACCURACY_COLUMNS,
    "truth.csv": truth.TRUTH_COLUMNS,
    "compare.csv": compare.COMPARE_COLUMNS,
    "prior_check.csv": prior_check.COLUMNS,
    "predictions.csv": OWN,
}
"""File -> the columns that the code says it has; those that nobody writes in the small runs too."""

SPEC = """\
name: small
data: {path: data.csv}
model: {formula: "y ~ x + (x | g)"}
cre: [{group: g}]
questions: [{of: "x|g", best: max, top: 2, rope: [-0.1, 0.1]}]
fit: {engine: exact, draws: 200, chains: 2, seed: 1}
gates: {policy: explore, limits: {ess_bulk: 10, ess_tail: 10, mcse: 0.5, rhat: 1.1}}
"""

ARMS = """\
name: arms
data: {path: arms.csv}
model: {formula: "p(successes, trials) ~ arm + (1 | g)", family: binomial}
arms:
  control: {successes: a, trials: n}
  treatment: {successes: b, trials: n}
  users: per-arm
priors: {"1|g": HalfNormal(0.3)}
fit: {draws: 500, chains: 2, seed: 1}
gates: {policy: explore, limits: {ess_bulk: 10, ess_tail: 10, mcse: 0.5, rhat: 1.1}}
"""

COMMANDS = (
    "run spec.yaml --out run",
    "run arms.yaml --out arms",
    "run plain.yaml --out plain",
    "predict run new.csv -o predicted/predictions.csv",
    "pooling plain.yaml --truth x=true -o pooling",
    "compare run plain -o compare",
    "prior-check spec.yaml --draws 100 -o prior",
)


def table_after(page: str, words: str) -> dict[str, str]:
    """Return the first table after some words: backticked name of a first cell -> its row."""
    text = (DOCS / page).read_text(encoding="utf-8")
    assert words in text, f"{page} has no {words!r}"
    found = re.search(r"(?:^\|.*\n)+", text[text.index(words) :], re.M)
    assert found is not None
    rows = found.group().splitlines()[2:]
    return {name: row for row in rows for name in re.findall(r"`([^`]+)`", cells(row)[0])}


def cells(row: str) -> list[str]:
    return re.split(r"(?<!\\)\|", row)[1:-1]


def undocumented(file: str, columns) -> list[str]:
    assert file in PAGES, f"{file}: say in PAGES which page has its columns"
    named = table_after(*PAGES[file])
    return [column for column in columns if column not in named]


@pytest.mark.parametrize("file", PAGES)
def test_columns_of_the_code_are_in_the_table_of_their_file(file: str) -> None:
    assert undocumented(file, CONSTANTS.get(file, ())) == []
    assert table_after(*PAGES[file])


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """Return a folder with what every command writes about small models."""
    place = tmp_path_factory.mktemp("written")
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(8), 10)
    x = rng.normal(size=80) + 0.3 * g
    y = 1 + x + rng.normal(size=8)[g] + 0.5 * rng.normal(size=80)
    table = pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in g], "true": 1.0})
    table.to_csv(place / "data.csv", index=False)
    table.drop(columns=["y", "true"]).to_csv(place / "new.csv", index=False)
    plain = [line for line in SPEC.splitlines() if not line.startswith(("cre", "questions"))]
    (place / "spec.yaml").write_text(SPEC)
    (place / "arms.yaml").write_text(ARMS)
    counts = {"g": list("abcdef"), "a": 30, "b": [38, 44, 40, 41, 35, 42], "n": 400}
    pd.DataFrame(counts).to_csv(place / "arms.csv", index=False)
    (place / "plain.yaml").write_text("\n".join(plain))
    (place / "predicted").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for command in COMMANDS:
            assert main([*command.split(), "-q"]) == 0, command
    return place


@pytest.mark.slow
def test_columns_of_files_that_were_written_are_documented(written: Path, capsys) -> None:
    data = {"x", "g", "y", "true"}
    seen = set()
    for path in sorted(written.glob("*/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            columns = next(csv.reader(file))
        own = [c for c in columns if path.name != "predictions.csv" or c not in data]
        assert undocumented(path.name, own) == [], path
        seen.add(path.name)
    assert seen == {name for name in PAGES if name.endswith(".csv")}


@pytest.mark.slow
def test_keys_of_json_files_are_documented(written: Path) -> None:
    run = written / "run"
    lines = (run / "attempts.jsonl").read_text("utf-8").splitlines()
    assert undocumented("attempts.jsonl", json.loads(lines[0])) == []
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    assert undocumented("manifest.json", manifest) == []
    rows = table_after(*PAGES["manifest.json"])
    model, fit = manifest["model"], manifest["fit"]
    for row, keys in (
        ("spec", manifest["spec"]),
        ("data", manifest["data"]),
        ("model", model),
        ("model.priors", model["priors"][0]),
        ("model.identification", model["identification"]),
        ("fit", fit),
        ("fit.facts", fit["facts"]),
        ("files", manifest["files"]["summary.csv"]),
    ):
        assert [key for key in keys if f"`{key}`" not in rows[row]] == [], row
    gates = json.loads((run / "gates.json").read_text("utf-8"))
    assert undocumented("gates.csv", gates["findings"][0]) == []


@pytest.mark.slow
def test_every_file_of_a_run_is_listed(written: Path) -> None:
    listed = table_after(RUN, "# The run directory")
    files = [
        path.relative_to(run).as_posix()
        for run in (written / "run", written / "arms")
        for path in run.rglob("*")
        if path.is_file()
    ]
    names = {re.sub(r"^plots/.*\.svg$", "plots/*.svg", file) for file in files}
    assert names - set(listed) == set()
    assert set(listed) - names == set(), "a file that no run writes"


@pytest.mark.slow
def test_keys_of_files_for_commands_and_groups_of_draws_are_named(written: Path) -> None:
    import xarray as xr

    text = (DOCS / RUN).read_text(encoding="utf-8").partition("## `design.json`")[2]
    keys = [field.name for field in fields(StoredDesign)]
    targets = json.loads((written / "run" / "targets.json").read_text("utf-8"))
    keys += [*targets, "name", "kind", "levels"]
    assert [key for key in keys if f"`{key}`" not in text] == []
    groups = table_after(RUN, "## `posterior.nc`")
    with xr.open_datatree(written / "run" / "posterior.nc", engine="h5netcdf") as tree:
        assert set(tree.children) - set(groups) == set()


def test_a_column_without_words_would_be_found() -> None:
    assert undocumented("compare.csv", ["elpd", "brand_new"]) == ["brand_new"]
    with pytest.raises(AssertionError, match=r"brand_new\.csv: say in PAGES"):
        undocumented("brand_new.csv", ["a"])
