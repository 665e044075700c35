import csv
import io
import json

import pytest

from hiermix.cli.boundary import execute


@pytest.fixture
def command(capsys):
    """Return a function that runs a command and returns exit code, stdout and stderr."""

    def run(*arguments):
        code = execute([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return run


def test_a_table_is_printed_for_people(command, stored_run):
    code, out, err = command("summary", stored_run)
    assert code == 0
    assert err.startswith("FAILED: a gate failed this run")
    assert out.split("\n")[:3] == [
        "parameter  role      mean",
        "Intercept  common     1.5",
        "1|g_sigma  group_sd   0.1",
    ]


def test_csv_is_the_file_of_the_run(command, stored_run):
    code, out, _ = command("summary", stored_run, "group_effects", "--format", "csv")
    assert code == 0
    assert out == (stored_run / "group_effects.csv").read_text()


def test_json_keeps_labels_as_text_and_missing_values_as_null(command, stored_run):
    _, out, _ = command("summary", stored_run, "group_effects", "--format", "json")
    rows = json.loads(out)
    assert [row["level"] for row in rows] == ["007", "a|b\x1b[31m"]
    assert rows[0]["deviation_mean"] == 0.123456789
    assert (rows[1]["deviation_mean"], rows[0]["identified"], rows[1]["identified"]) == (
        None,
        True,
        None,
    )


def test_markdown_and_text_escape_labels(command, stored_run):
    for format in ("markdown", "text"):
        _, out, _ = command("summary", stored_run, "group_effects", "--format", format)
        assert "\x1b" not in out
        assert "\\x1b" in out.replace("\\\\", "\\")


@pytest.mark.parametrize("table", ["summary", "group_effects", "variance", "gates", "measurements"])
def test_every_table_has_every_format(command, stored_run, table):
    for format in ("text", "csv", "json", "markdown"):
        code, out, _ = command("summary", stored_run, table, "--format", format)
        assert code == 0
        assert out


def test_a_misspelt_table_gets_the_nearest_name(command, stored_run):
    code, out, err = command("summary", stored_run, "group_effect")
    assert (code, out) == (2, "")
    assert "did you mean 'group_effects'?" in err


def test_an_unknown_table_gets_the_list(command, stored_run):
    assert "hint: tables: summary, group_effects" in command("summary", stored_run, "zzz")[2]


def test_a_folder_that_is_no_run_is_told(command, tmp_path):
    code, _, err = command("summary", tmp_path)
    assert code == 5
    assert "error[run.not-found]" in err


def test_a_folder_above_a_run_leads_to_its_latest_one(command, tmp_path, stored_run):
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "latest").symlink_to(stored_run)
    err = command("summary", tmp_path / "above")[2]
    assert f"hint: did you mean '{tmp_path / 'above' / 'latest'}'?" in err


def test_a_spec_in_place_of_a_run_is_no_damaged_run(command, tmp_path):
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: x\n")
    code, _, err = command("summary", spec)
    assert code == 5
    assert "error[run.not-found]" in err
    assert "it is a file" in err


@pytest.mark.parametrize(
    ("table", "why"),
    [("arms", "its spec has no 'arms'"), ("predictive_checks", "an older hiermix")],
)
def test_a_table_that_the_run_does_not_have_is_not_just_empty(command, stored_run, table, why):
    code, out, err = command("summary", stored_run, table, "--format", "json")
    assert (code, json.loads(out)) == (0, [])
    assert f"the run has no table {table}" in err
    assert why in err


def test_a_run_that_was_tampered_with_is_refused(command, stored_run):
    with (stored_run / "summary.csv").open("a") as file:
        file.write("Fake,common,9\n")
    code, _, err = command("summary", stored_run)
    assert code == 5
    assert "does not match its hash" in err


def test_a_run_is_judged_again_with_its_own_limits_and_waivers(command, stored_run):
    code, out, _ = command("gates", stored_run, "--format", "json")
    document = json.loads(out)
    findings = {f["gate"]: f for f in document["findings"]}
    assert code == 3
    assert document["verdict"] == {"policy": "publish", "status": "fail"}
    assert findings["dropped"]["fail"] == 0.4
    assert findings["rows"]["status"] == "waived"
    assert "a demonstration" in findings["rows"]["message"]


def test_a_run_is_judged_again_under_another_policy(command, stored_run):
    code, out, _ = command("gates", stored_run, "--policy", "strict")
    assert code == 3
    assert "policy strict" in out


def test_findings_can_be_printed_as_csv(command, stored_run):
    _, out, _ = command("gates", stored_run, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert rows[0]["gate"] == "rows"


def test_the_catalogue_explains_every_gate(command):
    code, out, err = command("gates")
    assert (code, err) == (0, "")
    for word in ("rhat", "why", "remedy", "source", "10.1214/20-BA1221"):
        assert word in out


def test_the_catalogue_follows_the_policy(command):
    plain = json.loads(command("gates", "--format", "json")[1])
    strict = json.loads(command("gates", "--policy", "strict", "--format", "json")[1])
    assert plain["policy"] == "publish"
    assert plain["gates"] != strict["gates"]


def test_the_catalogue_is_a_markdown_table(command):
    _, out, _ = command("gates", "--format", "markdown")
    assert out.startswith("| gate | phase | limits |")


def test_an_unknown_policy_is_wrong_usage(command, stored_run):
    for arguments in (["gates"], ["gates", stored_run]):
        code, _, err = command(*arguments, "--policy", "publsh")
        assert code == 2
        assert "error[usage.policy]" in err
        assert "publish" in err
