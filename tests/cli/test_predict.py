"""``hiermix predict`` as a process: from the run directory alone."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hiermix as package
from hiermix.artefacts.manifest import sha256_of
from hiermix.cli.boundary import execute

pytestmark = pytest.mark.slow

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}

SPEC = """\
name: small
data: {path: data.csv}
model: {formula: "y ~ scale(x) + poly(x, 2) + f + (x | g)"}
cre: [{group: g, terms: [f]}]
fit: {engine: exact, draws: 300, chains: 4, seed: 5}
gates: {policy: explore}
outputs: {report: false, interval: 0.8}
"""

NEW = """\
who,x,f,g
ann,0.5,b,g1
bob,-1.25,a,g5
"""


def hiermix(place, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "hiermix", *map(str, arguments)],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Return a directory with a run whose data and spec are gone."""
    place = tmp_path_factory.mktemp("fitted")
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(9), 12)
    x = rng.normal(size=len(g))
    f = rng.choice(["a", "b", "c"], len(g))
    y = x + rng.normal(size=9)[g] + rng.normal(size=len(g)) + (f == "b")
    rows = [f"{a},{b},{c},g{d}" for a, b, c, d in zip(y, x, f, g, strict=True)]
    (place / "data.csv").write_text("\n".join(["y,x,f,g", *rows]) + "\n")
    (place / "spec.yaml").write_text(SPEC)
    done = hiermix(place, "run", "spec.yaml", "-q", "--out", "run")
    assert done.returncode in (0, 3), done.stderr
    (place / "data.csv").rename(place / "fitted.csv")
    (place / "spec.yaml").unlink()
    return place


@pytest.fixture
def inside(place, monkeypatch, capsys):
    """Return a function that runs a command in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(place)

    def run(*arguments):
        code = execute(list(map(str, arguments)))
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def place(fitted, tmp_path):
    shutil.copytree(fitted / "run", tmp_path / "run")
    (tmp_path / "new.csv").write_text(NEW)
    return tmp_path


def table(done):
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout))


def test_a_new_process_predicts_fitted_rows_as_the_design_says(fitted, tmp_path):
    found = table(hiermix(fitted, "predict", "run", "fitted.csv"))
    data = pd.read_csv(fitted / "fitted.csv")
    tree = package_tree(fitted / "run")
    means = pd.read_csv(fitted / "run" / "cre_means.csv", keep_default_na=False)
    x = data["x"].to_numpy()
    z = (x - x.mean()) / x.std()
    q = np.linalg.qr(np.column_stack([np.ones(len(x)), x, x**2]))[0]
    # Orthogonal polynomials have positive leading coefficients; QR may turn the sign.
    p = q[:, 1:] * np.sign([q[:, 1] @ x, q[:, 2] @ x**2])
    terms = {"scale(x)": z[:, None], "poly(x, 2)": p}
    terms["f"] = np.column_stack([data["f"] == "b", data["f"] == "c"]).astype(float)
    of = means.pivot(index="level", columns="column", values="mean").loc[data["g"]]
    terms["cre_mean_f"] = of[["f[b]", "f[c]"]].to_numpy()
    eta = tree["Intercept"][:, None].repeat(len(x), axis=1)
    for name, columns in terms.items():
        eta = eta + tree[name].reshape(len(eta), -1) @ columns.T
    levels = [f"g{i}" for i in range(9)]
    at = data["g"].map(levels.index).to_numpy()
    eta = eta + tree["1|g"][:, at] + tree["x|g"][:, at] * x
    assert np.allclose(found["mean"], eta.mean(axis=0), rtol=0, atol=1e-10)
    assert np.allclose(found["sd"], eta.std(axis=0, ddof=1), rtol=0, atol=1e-10)
    assert np.allclose(found["lower"], np.quantile(eta, 0.1, axis=0), rtol=0, atol=1e-10)
    assert np.allclose(found["upper"], np.quantile(eta, 0.9, axis=0), rtol=0, atol=1e-10)
    assert list(found["row"]) == list(range(1, len(data) + 1))
    assert list(found["g"]) == list(data["g"])
    assert found["new_levels"].isna().all()


def package_tree(run):
    import xarray as xr

    with xr.open_dataset(run / "posterior.nc", group="posterior", engine="h5netcdf") as stored:
        return {
            str(name): array.to_numpy().reshape(-1, *array.shape[2:])
            for name, array in stored.load().data_vars.items()
        }


def test_files_hold_what_stdout_shows(place):
    shown = hiermix(place, "predict", "run", "new.csv", "--keep", "who").stdout
    for name in ("out.csv", "out.json", "out.jsonl", "out.parquet"):
        done = hiermix(place, "predict", "run", "new.csv", "--keep", "who", "-o", name)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (place / "out.csv").read_text() == shown
    first = json.loads((place / "out.json").read_text())
    assert first == [json.loads(text) for text in (place / "out.jsonl").read_text().splitlines()]
    parquet = pd.read_parquet(place / "out.parquet")
    assert list(parquet.columns) == shown.splitlines()[0].split(",") == list(first[0])
    for i, (_, row) in enumerate(parquet.iterrows()):
        assert row.to_dict() == first[i]
    assert list(parquet["who"]) == ["ann", "bob"]
    assert not list(place.glob(".*"))


def test_json_lines_and_parquet_are_read_too(place):
    shown = hiermix(place, "predict", "run", "new.csv").stdout
    new = pd.read_csv(place / "new.csv")
    new.to_parquet(place / "new.parquet")
    new.to_json(place / "new.jsonl", orient="records", lines=True)
    for name in ("new.parquet", "new.jsonl"):
        assert hiermix(place, "predict", "run", name).stdout == shown


def test_the_same_call_gives_the_same_bytes(place):
    new = NEW + "cyd,0.5,b,fresh\n"
    (place / "new.csv").write_text(new)
    call = ("predict", "run", "new.csv", "--kind", "response", "--new-levels", "draw")
    first, again = hiermix(place, *call), hiermix(place, *call)
    assert first.returncode == 0
    assert first.stdout == again.stdout
    assert "note: g: 1 new level" in first.stderr
    assert hiermix(place, *call, "--seed", 9).stdout != first.stdout


def test_fewer_draws_can_be_used(inside):
    few = pd.read_csv(io.StringIO(inside("predict", "run", "new.csv", "--draws", 100)[1]))
    every = pd.read_csv(io.StringIO(inside("predict", "run", "new.csv")[1]))
    assert (np.abs(few["mean"] - every["mean"]) <= 4 * every["sd"] / 10).all()
    assert (few["mean"] != every["mean"]).all()


def test_wrong_rows_are_named_and_nothing_is_written(place):
    (place / "new.csv").write_text("x,f,g\n1,z,g1\n,a,nope\n2,a,other\n")
    done = hiermix(place, "predict", "run", "new.csv", "-o", "out.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "f: z at row 1: no such category was fitted" in done.stderr
    assert "x: 1 missing, at row 2" in done.stderr
    assert "g: other at row 3: no such level was fitted" in done.stderr
    assert "new.csv" in done.stderr
    assert not (place / "out.csv").exists()
    listed = hiermix(place, "predict", "run", "new.csv", "--format", "json")
    ids = {error["id"] for error in json.loads(listed.stdout)["errors"]}
    assert ids == {"predict.missing", "predict.unknown-category", "predict.new-level"}


@pytest.mark.parametrize(
    ("options", "id"),
    [
        (("--scale", "link", "--kind", "response"), "usage.link-of-response"),
        (("--interval", "1.5"), "usage.interval"),
        (("--trials", "3"), "usage.trials"),
        (("-o", "out.xlsx"), "usage.output-format"),
        (("--format", "parquet"), "usage.parquet-to-stdout"),
        (("-o", "new.csv"), "usage.output-taken"),
        (("-o", "run/summary.csv"), "usage.output-taken"),
        (("-o", "run/plots/new.csv"), "usage.output-taken"),
        (("--format", "csv", "-o", "/dev/null"), "usage.output-taken"),
        (("--keep", "nope"), "data.unknown-column"),
        (("--draws", "0"), "usage.bad-value"),
    ],
)
def test_wrong_usage_is_refused(place, inside, options, id):
    code, out, err = inside("predict", "run", "new.csv", *options)
    assert (code, out) == (2, "")
    assert id in err
    assert (place / "new.csv").read_text() == NEW


def test_a_failed_run_says_so_loudly_and_ends_with_3(place, inside):
    path = place / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "verdict": "fail"}))
    code, out, err = inside("predict", "run", "new.csv", "-q")
    assert code == 3
    assert "FAILED" in err
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize("name", ["design.json", "posterior.nc", "cre_means.csv"])
def test_a_damaged_run_is_not_used(place, inside, name):
    path = place / "run" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    code, out, err = inside("predict", "run", "new.csv")
    assert (code, out) == (5, "")
    assert name in err


def piped(place, text):
    return subprocess.run(
        [sys.executable, "-m", "hiermix", "predict", "run", "-"],
        cwd=place,
        env=ENVIRONMENT,
        input=text,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_new_data_come_from_standard_input_as_csv_or_json(place):
    expected = hiermix(place, "predict", "run", "new.csv").stdout
    rows = pd.read_csv(io.StringIO(NEW)).to_dict("records")
    for text in (NEW, json.dumps(rows), "\n".join(map(json.dumps, rows))):
        done = piped(place, text)
        assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_errors_of_standard_input_name_it(place):
    done = piped(place, "x,f,g\n1,a,zz\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--> <stdin>" in done.stderr and "zz at row 1" in done.stderr
    assert piped(place, "").returncode == 2


def test_columns_values_and_levels_are_told_in_one_round(place, inside):
    (place / "bad.csv").write_text("x,g,w\n0.5,g1,1\n,g2,1\n1,zz,1\n2,g1,1\n")
    code, out, err = inside("predict", "run", "bad.csv", "--keep", "nothing")
    assert (code, out) == (2, "")
    for said in ("'f' not in data", "'nothing' not in data", "x: 1 missing", "g: zz at row 3"):
        assert said in err
    (place / "bad.csv").write_text("x,f,g\n0.5,q,g1\nten,a,g2\n1,a,zz\n")
    code, out, err = inside("predict", "run", "bad.csv")
    assert (code, out) == (2, "")
    for said in ("x: text 'ten' at row 2", "f: q at row 1", "g: zz at row 3"):
        assert said in err


def test_a_file_that_is_not_there_is_looked_for_in_the_current_folder(place, inside):
    for options in ((), ("-o", "out.csv")):
        code, _, err = inside("predict", "run", "nowhere/none.csv", *options)
        assert code == 2
        assert "data.not-found" in err and "relative to the current folder" in err


FORGED = {
    "a term that is none": ("parts.0.common.0.source", "exec(x)", "no term exec"),
    "no version": ("version", None, "version"),
    "a seed too large": ("seed", -1, "seed"),
    "an interval beyond 1": ("interval", 1.5, "interval"),
    "another family": ("family", "poisson", "sigma"),
    "no family": ("family", "normal", "no family"),
    "another link": ("parts.0.link", "probit", "no link probit"),
    "a linear predictor of nothing": ("parts.0.parameter", "nu", "no parameters of gaussian"),
    "no intercept": ("parts.0.intercept", False, "intercept"),
    "a term left out": ("parts.0.common", lambda old: old[:-1], "cre_mean_f"),
    "a column of a term left out": ("parts.0.common.1.pick", [0], "poly(x, 2)"),
    "a column that is not there": ("parts.0.common.1.pick", [0, 7], "poly(x, 2)"),
    "labels of nothing": ("parts.0.terms.2.labels", ["b", "z"], "levels of f"),
    "another coding": ("parts.0.terms.2.full", [True], "coding of f"),
    "effects left out": ("parts.0.groups", lambda old: old[:-1], "x|g"),
    "independent effects": ("parts.0.groups", lambda old: [
        {**group, "correlated": False} for group in old], "correlations of g"),
    "a level too few": ("factors.g.levels", lambda old: old[:-1], "levels of"),
    "levels in another order": ("factors.g.levels", lambda old: old[::-1], "levels of"),
    "a level twice": ("factors.g.levels", lambda old: [*old, old[0]], "levels of g"),
    "a level of two columns": ("factors.g.levels.0", ["g0", "x"], "levels of g"),
    "levels without a column": ("factors.g.variables", ["h"], "factor"),
    "a number among categories": ("columns.f.categories", [1.0, 2.0], "f"),
    "a category left out": ("columns.f.categories", ["a", "b"], "coding of f"),
    "a column of another kind": ("columns.f.kind", "float64", "f"),
    "nothing remembered": ("memory", {}, "scale(x)"),
    "half remembered": ("memory.scale(x)", {"mean": [0.0]}, "scale(x)"),
    "a sd of 0": ("memory.scale(x).sd", [0.0], "scale(x)"),
    "no draws": ("parameters.sigma.variable", "tau", "no draws of sigma"),
    "draws of another shape": ("parameters.sigma.variable", "f", "sigma"),
    "known errors": ("known_se", "se", "known_se"),
    "a list in place of all": ("parts", [], "linear predictor"),
}  # fmt: skip


@pytest.mark.parametrize("key, value, said", FORGED.values(), ids=FORGED)
def test_a_design_that_was_changed_with_its_hash_is_damage_too(place, inside, key, value, said):
    path = place / "run" / "design.json"
    design = json.loads(path.read_text())
    *parents, last = [int(k) if k.isdigit() else k for k in key.split(".")]
    at = design
    for parent in parents:
        at = at[parent]
    at[last] = value(at[last]) if callable(value) else value
    path.write_text(json.dumps(design))
    manifest = json.loads((place / "run" / "manifest.json").read_text())
    entry = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    manifest["files"]["design.json"] = entry
    (place / "run" / "manifest.json").write_text(json.dumps(manifest))
    code, out, err = inside("predict", "run", "new.csv", "--new-levels", "draw")
    assert (code, out) == (5, "")
    assert "design.json: " in err and said in err


def test_a_folder_without_a_run_and_an_old_run_are_refused(place, inside):
    (place / "empty").mkdir()
    assert inside("predict", "empty", "new.csv")[0] == 5
    path = place / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["files"]["design.json"]
    path.write_text(json.dumps(manifest))
    code, _, err = inside("predict", "run", "new.csv")
    assert code == 5
    assert "run.no-design" in err


def test_prediction_loads_no_sampler(place):
    code = (
        "import sys; from hiermix.cli.boundary import execute\n"
        "from hiermix.cli.process import start; start()\n"
        "execute(['predict', 'run', 'new.csv', '--kind', 'response'])\n"
        "slow = {'bambi', 'pymc', 'pytensor', 'arviz', 'nutpie', 'numba', 'matplotlib'}\n"
        "sys.stderr.write('loaded: ' + str(sorted(slow & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr.endswith("loaded: []"), done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(place):
    rows = "x,f,g\n" + "1,a,g1\n" * 5000
    (place / "new.csv").write_text(rows)
    done = subprocess.run(
        f"{sys.executable} -m hiermix predict run new.csv | head -n 1",
        shell=True,
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.startswith("row,g,new_levels,mean")
    assert done.stderr == ""


def test_data_named_by_a_pattern_are_not_written_over(place, inside):
    (place / "g1.csv").write_text(NEW)
    (place / "g2.csv").write_text(NEW)
    code, _, err = inside("predict", "run", "g[12].csv", "-o", "g2.csv")
    assert code == 2
    assert "usage.output-taken" in err
    assert (place / "g2.csv").read_text() == NEW


def test_a_link_is_followed_and_the_mode_of_a_file_is_kept(place, inside):
    target = place / "target.csv"
    target.write_text("old")
    target.chmod(0o600)
    (place / "link.csv").symlink_to(target)
    code, _, _ = inside("predict", "run", "new.csv", "-o", "link.csv")
    assert code == 0
    assert (place / "link.csv").is_symlink()
    assert target.read_text().startswith("row")
    assert target.stat().st_mode & 0o777 == 0o600
