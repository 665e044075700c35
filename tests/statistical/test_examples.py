"""Every shipped spec through the command, as a person runs it."""

import json
from pathlib import Path

import pytest
from run_support import EXAMPLES, ROOT, spec_path

from examples import check
from hiermix.cli import main

pytestmark = [pytest.mark.statistical, pytest.mark.slow]


def test_every_spec_has_an_example_and_every_example_a_spec():
    folders = {path.parent.name for path in (ROOT / "examples").glob("*/reference.json")}
    assert folders == set(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_passes_its_gates_and_agrees_with_outside_numbers(
    example, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    code = main(["run", str(spec_path(example))])
    out, err = capsys.readouterr()
    assert code == 0, err
    run = Path(out.strip())
    assert run.parent == Path("runs", example)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["verdict"] in ("pass", "warn")
    compared = check.main([str(run)])
    assert compared == 0, capsys.readouterr().out
