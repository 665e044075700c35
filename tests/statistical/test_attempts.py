"""Further attempts on real fits: what is cured, what is not, and what is left as the spec says."""

import csv
import html
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_support import Silent

from hiermix import pipeline
from hiermix.cli import main
from hiermix.engines.exact import sampling
from hiermix.model.centring import with_forms
from hiermix.spec import load_spec

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

SPEC = """\
name: attempts
data: {{path: data.csv}}
model:
  formula: y ~ x + (1 | g)
  parameterization: {form}
fit: {{engine: {engine}, draws: 500, tune: 500, seed: 1, max_attempts: {max_attempts}}}
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that runs a spec and returns exit code, run directory and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(columns, form="auto", max_attempts=3, engine="nuts"):
        with Path("data.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(columns)
            rows.writerows(zip(*columns.values(), strict=True))
        text = SPEC.format(form=form, max_attempts=max_attempts, engine=engine)
        Path("spec.yaml").write_text(text)
        code = main(["run", "spec.yaml"])
        out, err = capsys.readouterr()
        return code, Path(out.strip()), err

    return call


@pytest.fixture
def few_draws(monkeypatch):
    """Let first attempts have 50 draws, fewer than a spec may ask for."""
    request = pipeline.fit_request
    monkeypatch.setattr(
        pipeline, "fit_request", lambda spec: replace(request(spec), draws=50, tune=200)
    )


def panel(levels, rows, *, sd, noise, seed=1):
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(levels), rows)
    x = rng.normal(size=len(index))
    y = 1 + 0.5 * x + sd * rng.normal(size=levels)[index] + noise * rng.normal(size=len(index))
    return {"y": y, "x": x, "g": [f"g{i}" for i in index]}


GOOD = panel(12, 20, sd=0.5, noise=0.7)
FUNNEL = panel(8, 2, sd=0.2, noise=1.0)


def attempts(folder):
    lines = (folder / "attempts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_too_few_draws_are_cured_by_the_second_attempt(run, few_draws):
    code, folder, err = run(GOOD)
    assert code == 0, err
    first, second = attempts(folder)
    assert {gate.partition("[")[0] for gate in first["failed_gates"]} >= {"ess_bulk"}
    assert first["settings"]["draws"] == 50
    assert second["settings"]["draws"] > 100
    assert second["failed_gates"] == []
    told = manifest(folder)
    assert (told["verdict"], told["fit"]["attempts"]) == ("pass", 2)
    assert told["fit"]["draws"] == second["settings"]["draws"]
    assert err.count("note: attempt 2 of at most 3: ") == 1
    assert "compiling" in err
    assert err.count("compiling the model") == 1
    page = html.unescape((folder / "report.html").read_text(encoding="utf-8"))
    assert second["reason"] in page


def test_too_few_draws_of_the_exact_engine_are_cured_by_more(run, few_draws):
    code, folder, err = run(GOOD, engine="exact")
    assert code == 0, err
    first, *_, last = attempts(folder)
    assert first["failed_gates"]
    assert last["failed_gates"] == []
    assert last["settings"]["draws"] > first["settings"]["draws"] == 50
    assert "target_accept" not in last["settings"]
    assert "compiling" not in err
    assert err.count("stating the model in Bambi") == 1


def test_a_single_attempt_is_left_as_it_is(run, few_draws):
    code, folder, err = run(GOOD, max_attempts=1)
    assert code == 3
    assert len(attempts(folder)) == 1
    assert "note: attempt" not in err


def test_a_funnel_in_a_form_that_the_spec_states_fails_after_all_attempts(run):
    code, folder, err = run(FUNNEL, form="centered")
    assert code == 3, err
    made = attempts(folder)
    assert [attempt["number"] for attempt in made] == [1, 2, 3]
    rates = [attempt["settings"]["target_accept"] for attempt in made]
    assert rates == pytest.approx([0.95, 0.9875, 0.996875])
    assert {attempt["settings"]["parameterization"]["1|g"] for attempt in made} == {"centered"}
    assert all(attempt["divergences"] > 0 for attempt in made)
    assert made[0]["divergences"] > made[-1]["divergences"]
    assert err.count("compiling the model") == 1


def test_a_funnel_in_a_form_that_was_chosen_is_cured_by_the_other_form(tmp_path):
    pd.DataFrame(FUNNEL).to_csv(tmp_path / "data.csv", index=False)
    text = SPEC.format(form="auto", max_attempts=4, engine="nuts")
    loaded = load_spec(text, str(tmp_path / "spec.yaml"))
    prepared = pipeline.prepare(loaded, tmp_path, Silent())
    misled = replace(prepared, plan=with_forms(prepared.plan, {"1|g": "centered"}))
    result = pipeline.fit(misled, Silent())
    first, careful, flipped, *longer = result.attempts
    assert first.divergences > 0
    assert careful.divergences > 0
    assert flipped.settings["parameterization"] == {"1|g": "noncentered"}
    assert flipped.divergences == 0
    assert all(further.settings["draws"] > 500 for further in longer)
    assert result.attempts[-1].failed_gates == ()
    assert result.verdict.status != "fail"
    assert {c.form for c in result.prepared.plan.centring} == {"noncentered"}


def test_attempts_repeat_bit_for_bit_and_keep_priors(run, few_draws):
    code, folder, _ = run(GOOD)
    summary = (folder / "summary.csv").read_bytes()
    stated = manifest(folder)["model"]["priors"]
    assert code == main(["run", str(folder / "spec.resolved.yaml"), "--out", "again"]) == 0
    assert Path("again/summary.csv").read_bytes() == summary
    assert [p["prior"] for p in manifest(Path("again"))["model"]["priors"]] == [
        p["prior"] for p in stated
    ]


def test_chains_of_the_exact_engine_that_stand_still_are_followed_by_nuts(run, monkeypatch):
    moving = sampling.run_chain

    def still(*arguments):
        path = moving(*arguments)
        return replace(path, points=np.repeat(path.points[:1], len(path.points), axis=0))

    monkeypatch.setattr(sampling, "run_chain", still)
    code, folder, err = run(GOOD, engine="auto")
    assert code == 0, err
    first, second, *_ = made = attempts(folder)
    assert first["failed_gates"][0] == "integrity"
    assert second["reason"].startswith("integrity, ")
    assert second["reason"].endswith(" failed: engine nuts")
    assert [a["settings"]["engine"] for a in made] == ["exact", *["nuts"] * (len(made) - 1)]
    told = manifest(folder)
    assert (told["fit"]["engine"], told["fit"]["sampler"]) == ("nuts", "nutpie")
    assert told["fit"]["refused"]["exact"][0].endswith(" failed after 500 draws")
    assert set(told["model"]["parameterization"]) == {"1|g"}
    assert told["fit"]["target_accept"] is None
    assert told["fit"]["facts"]["adaptation"] == "low_rank"
    assert "engine: nuts; not exact: integrity, " in err
    page = html.unescape((folder / "report.html").read_text(encoding="utf-8"))
    assert "nuts (nutpie); not exact: integrity, " in page
    assert second["reason"] in page
    # The fingerprint is known before the fit: the same run is found again, and repeats.
    assert run(GOOD, engine="auto")[:2] == (code, folder)
    summary = (folder / "summary.csv").read_bytes()
    assert code == main(["run", str(folder / "spec.resolved.yaml"), "--out", "again"])
    assert Path("again/summary.csv").read_bytes() == summary
