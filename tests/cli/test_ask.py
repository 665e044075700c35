"""``hiermix ask``: a finished run answers as it would have from its spec."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hiermix.cli import main
from hiermix.summary.questions.table import FAILED, QUESTION_COLUMNS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

QUESTIONS = [
    {"of": "1|country", "best": "max", "top": 2, "rope": [-0.005, 0.005]},
    {"of": "1|country", "contrast": "pairwise", "threshold": 0.001, "levels": ["US", "AU"]},
    {"of": "1|country", "contrast": "reference", "reference": "US", "decide": 0.8},
    {"of": "1|country", "scale": "deviation", "contrast": "mean"},
    {"of": "1|country_sigma", "threshold": 0.005},
]

OPTIONS = [
    ["--of=1|country", "--best=max", "--top=2", "--rope", "-0.005", "0.005"],
    ["--of=1|country", "--contrast=pairwise", "--threshold=0.001", "--level=US", "--level=AU"],
    ["--of=1|country", "--contrast=reference", "--reference=US", "--decide=0.8"],
    ["--of=1|country", "--scale=deviation", "--contrast=mean"],
    ["--of=1|country_sigma", "--threshold=0.005"],
]


def fitted(folder, *options):
    spec = ROOT / "specs" / "ab_lifts.yaml"
    stated = f"--set=questions={json.dumps(QUESTIONS)}"
    code = main(["run", str(spec), "-q", stated, "--out", str(folder), *options])
    return code, folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    code, folder = fitted(tmp_path_factory.mktemp("ask") / "run")
    assert code == 0
    return folder


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_run_has_its_answers_on_disk_and_in_the_report(run, capsys):
    table = rows((run / "questions.csv").read_text())
    assert tuple(table[0]) == QUESTION_COLUMNS
    assert [r["question"] for r in table] == (
        ["1|country"] * 6 + ["1|country pairwise"] + ["1|country reference"] * 5
        + ["1|country mean deviation"] * 6 + ["1|country_sigma"]
    )  # fmt: skip
    assert main(["summary", str(run), "questions", "--format", "csv"]) == 0
    assert capsys.readouterr().out == (run / "questions.csv").read_text()
    page = (run / "report.html").read_text()
    assert "<h2>Questions</h2>" in page
    assert "<h3>1|country pairwise</h3>" in page


def test_the_same_questions_as_options_have_the_same_answers(run, capsys):
    stored = rows((run / "questions.csv").read_text())
    for options in OPTIONS:
        assert main(["ask", str(run), *options, "--format", "csv"]) == 0
        asked = rows(capsys.readouterr().out)
        assert asked == [r for r in stored if r["question"] == asked[0]["question"]]


def test_the_same_questions_in_a_file_have_the_same_answers(run, tmp_path, capsys):
    (tmp_path / "q.yaml").write_text(json.dumps({"questions": QUESTIONS}))
    assert main(["ask", str(run), "--question", str(tmp_path / "q.yaml"), "--format", "csv"]) == 0
    assert capsys.readouterr().out == (run / "questions.csv").read_text()


def test_a_question_on_standard_input(run):
    done = subprocess.run(
        [sys.executable, "-m", "hiermix", "ask", str(run), "--question=-", "--format=json"],
        input="of: 1|country_sigma\nthreshold: 0.005\n",
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["threshold"]) == (0, 0.005)


def test_a_person_gets_the_columns_that_say_something(run, capsys):
    assert main(["ask", str(run), "--of", "1|country", "--best", "max"]) == 0
    header = capsys.readouterr().out.split("\n")[0].split()
    assert "prob_best" in header and "level" in header
    assert not {"rope", "by", "top", "scale"} & set(header)
    assert main(["ask", str(run), "--of", "1|country", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.startswith("| question |")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--of=1|county"], "'1|county'; did you mean '1|country'"),
        (["--of=1|country", "--level=USA"], "--level: 'USA' is not a level"),
        (["--of=1|country", "--rope", "1", "0"], "--rope: lower < upper expected"),
        (["--of=1|country", "--top=2"], "--top: which end of the scale is good?"),
        (["--of=1|country", "--top=2"], "add --best max or --best min"),
        (["--of=1|country", "--contrast=mean", "--level=US"], "leave out --level for all"),
        (["--of=1|country", "--contrast=reference"], "add --reference LEVEL"),
        (["--of=1|country", "--decide=2"], "a probability from 0.5 to below 1"),
        (["--of=x", "--scale=response"], "put the question into the spec and run it again"),
        ([], "a question is missing"),
        (["--question=none.yaml"], "there is no file 'none.yaml'"),
        (["--question=none.yaml", "--of=x"], "--question and --of"),
        (["--of=1|country", "--contrast=pairs"], "pairs"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused(run, options, words, capsys):
    assert main(["ask", str(run), *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "questions.0" not in err
    assert "hint" in err


@pytest.mark.parametrize(
    "options, words",
    [
        (["--question", "a" * 300], "there is no file 'aaa"),
        (["--question", "/dev/null/x"], "there is no file"),
        (["--of=1|country", "--decide=1.0"], "of draws nothing is certain"),
        (["--of=1|country", "--scale=response"], "put the question into the spec"),
    ],
)
def test_what_can_be_asked_otherwise_has_its_way_out(run, options, words, capsys):
    assert main(["ask", str(run), *options]) == 2
    err = capsys.readouterr().err
    assert words in err and "write 1\n" not in err


def test_a_file_with_a_bad_question_has_its_place(run, tmp_path, capsys):
    path = tmp_path / "q.yaml"
    path.write_text("of: 1|country\nlevels: [US, UKK]\n")
    assert main(["ask", str(run), "--question", str(path)]) == 2
    assert "q.yaml:2:14" in capsys.readouterr().err


def test_a_failed_runs_answers_say_so(tmp_path, capsys):
    code, folder = fitted(
        tmp_path / "bad", "--set=gates.limits={ess_bulk: 100000}", "--set=fit.max_attempts=1"
    )
    assert code == 3
    capsys.readouterr()
    assert all(r["note"].startswith(FAILED) for r in rows((folder / "questions.csv").read_text()))
    assert FAILED in (folder / "report.html").read_text()
    assert main(["ask", str(folder), "--of", "Intercept", "--format", "csv"]) == 3
    out, err = capsys.readouterr()
    assert rows(out)[0]["note"].startswith(FAILED)
    assert "FAILED" in err


def test_runs_of_an_older_hiermix_are_told_apart(run, tmp_path, capsys):
    import shutil

    old = tmp_path / "old"
    shutil.copytree(run, old)
    manifest = json.loads((old / "manifest.json").read_text())
    del manifest["files"]["targets.json"]
    (old / "manifest.json").write_text(json.dumps(manifest))
    assert main(["ask", str(old), "--of", "Intercept"]) == 5
    assert "an older hiermix" in capsys.readouterr().err


def test_asking_loads_no_sampler_and_nothing_that_draws(run):
    code = (
        "import sys; from hiermix.cli import main\n"
        f"code = main(['ask', {str(run)!r}, '--of', '1|country', '--best', 'max'])\n"
        "slow = {'bambi', 'pymc', 'pytensor', 'arviz', 'matplotlib', 'formulae', 'scipy.stats'}\n"
        "print(code, sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
