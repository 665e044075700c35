"""Results -> files: the run directory, its manifest, tables, draws, plots and report."""

from hiermix.artefacts.identity import fingerprint
from hiermix.artefacts.location import run_directory
from hiermix.artefacts.manifest import Manifest, finished
from hiermix.artefacts.publish import locked
from hiermix.artefacts.read import StoredRun, read_run, write_report
from hiermix.artefacts.targets import ask_run
from hiermix.artefacts.write import write_run

__all__ = [
    "Manifest",
    "StoredRun",
    "ask_run",
    "fingerprint",
    "finished",
    "locked",
    "read_run",
    "run_directory",
    "write_report",
    "write_run",
]
