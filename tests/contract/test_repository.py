"""What holds for the files around the code: specs, examples, pins, README."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
README = (ROOT / "README.md").read_text(encoding="utf-8")

# Joined here, so that this file does not contain what it forbids.
REGISTRY_HOSTS = [".".join(parts) for parts in [
    ("pypi", "org"), ("files", "pythonhosted", "org"), ("conda", "anaconda", "org"),
    ("registry", "npmjs", "org"), ("deb", "debian", "org"),
]]  # fmt: skip
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|tmp|root|home|opt/wheels|opt/pypi)/[\w.-]")


def published_files() -> list[Path]:
    """Files that git tracks or would track; all text files where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        listed = b""
    names = [n for n in listed.decode().split("\0") if n]
    if not names:
        hidden = {".git", ".venv", "runs", "bench", "__pycache__"}
        names = [
            str(p.relative_to(ROOT))
            for p in ROOT.rglob("*")
            if p.is_file() and not hidden & set(p.relative_to(ROOT).parts)
        ]
    return [ROOT / n for n in names if (ROOT / n).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in published_files():
        data = path.read_bytes()
        if b"\0" not in data:
            found.append((path, data.decode("utf-8", errors="replace")))
    return found


def test_there_are_specs() -> None:
    assert len(SPECS) >= 8


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: p.stem)
def test_every_spec_has_an_example_that_names_source_and_licence(spec: Path) -> None:
    text = (ROOT / "examples" / spec.stem / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^- Source: \S", text, re.M)
    assert re.search(r"^- Licence", text, re.M)
    assert "What the run should say" in text
    assert f"hiermix run specs/{spec.name}" in text


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: p.stem)
def test_every_example_has_outside_numbers_with_a_tolerance_and_a_source(spec: Path) -> None:
    path = ROOT / "examples" / spec.stem / "reference.json"
    reference = json.loads(path.read_text(encoding="utf-8"))
    assert reference["example"] == spec.stem
    assert reference["checks"]
    for check in reference["checks"]:
        named = {"group", "term", "level"}, {"group", "scale", "level"}
        assert "parameter" in check or any(names <= check.keys() for names in named)
        assert check["within"] > 0
        assert check["source"]


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: p.stem)
def test_every_spec_is_named_like_its_file_and_reads_an_examples_data(spec: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    assert f"\nname: {spec.stem}\n" in text
    data = re.search(r"^  path: (\S+)$", text, re.M)
    assert data is not None
    assert (spec.parent / data[1]).resolve().parent.parent == ROOT / "examples"
    assert (spec.parent / data[1]).is_file()
    assert re.search(r"^fit: .*\bseed: \d+", text, re.M)


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: p.stem)
def test_the_readmes_name_every_spec(spec: Path) -> None:
    assert f"specs/{spec.name}" in README
    index = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert f"{spec.stem}/README.md" in index


def test_no_file_names_a_package_registry_or_a_path_of_this_machine() -> None:
    guilty = []
    for path, text in texts():
        guilty += [f"{path.relative_to(ROOT)}: {h}" for h in REGISTRY_HOSTS if h in text]
        guilty += [f"{path.relative_to(ROOT)}: {m}" for m in MACHINE_PATHS.findall(text)]
    assert guilty == []


def test_constraints_are_exact_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert [x for x in lines if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[0-9][0-9a-z.+]*", x)] == []
    names = [x.partition("==")[0] for x in lines]
    assert names == sorted(set(names))
    assert "hiermix" not in names


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert "\nmake test\n" in script.read_text(encoding="utf-8")
    assert re.search(r"^make test\b", README, re.M)
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("name", ["find-python", "setup-env"])
def test_setup_scripts_are_executable(name: str) -> None:
    assert os.access(ROOT / "scripts" / name, os.X_OK)


def test_relative_links_of_the_documents_lead_somewhere() -> None:
    broken = []
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []
