"""No command imports a library that it does not use; ``exact`` compiles nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "specs" / "sleepstudy.yaml"

SAMPLERS = {"bambi", "pymc", "pytensor", "nutpie", "numba", "jax"}
DRAWING = {"arviz", "arviz_plots", "arviz_stats", "matplotlib", "seaborn"}

PROBE = """
import json, sys
from hiermix.cli import main, process
process.start()
compiled = []
if "run" in sys.argv:
    from hiermix.engines.loading import load_bambi
    load_bambi()
    from pytensor.compile.maker import FunctionMaker
    create = FunctionMaker.create
    def counted(self, *given, **named):
        compiled.append(str(self.fgraph))
        return create(self, *given, **named)
    FunctionMaker.create = counted
code = main(sys.argv[1:])
print(json.dumps([code, len(compiled), sorted(sys.modules)]))
"""


def probed(*arguments: str) -> tuple[int, int, set[str]]:
    """Return exit code, PyTensor functions that were made, and all modules that are loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    code, compiled, modules = json.loads(done.stdout.splitlines()[-1])
    return code, compiled, set(modules)


@pytest.mark.parametrize("command", ["validate", "explain", "prior-check"])
def test_commands_that_fit_nothing_load_no_sampler_and_draw_nothing(command):
    code, _, modules = probed(command, str(SPEC))
    assert code == 0
    assert not modules & (SAMPLERS | DRAWING | {"xarray", "scipy.stats"})


@pytest.mark.slow
def test_a_run_with_exact_compiles_nothing_and_loads_only_what_it_uses(tmp_path):
    code, compiled, modules = probed("run", str(SPEC), "--out", str(tmp_path / "out"))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert (code, manifest["fit"]["engine"], compiled) == (0, "exact", 0)
    assert "bambi" in modules
    unused = (SAMPLERS | DRAWING) - {"bambi", "pymc", "pytensor", "matplotlib"}
    unused |= {"matplotlib.pyplot", "bambi.interpret.plots", "scipy.stats", "sparse.numba_backend"}
    assert not modules & unused


@pytest.mark.slow
def test_a_run_with_nuts_loads_nothing_that_draws(tmp_path):
    options = ["--set=fit.draws=100", "--set=fit.tune=100", "--set=gates.policy=explore"]
    options += ["--set=outputs.report=false", "--set=fit.max_attempts=1", "--engine=nuts"]
    _, compiled, modules = probed("run", str(SPEC), *options, "--out", str(tmp_path / "out"))
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert compiled > 0
    assert {"nutpie", "numba"} <= modules
    assert not modules & {"arviz", "arviz_plots", "seaborn", "matplotlib.pyplot", "scipy.stats"}
