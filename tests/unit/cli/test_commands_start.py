import csv
import json

import pytest

from hiermix.cli.boundary import execute
from hiermix.spec import load_spec


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = execute([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return run


def write_data(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def rows(function, count=40):
    return [function(i) for i in range(count)]


def plain_columns():
    return {
        "y": rows(lambda i: 1.5 + (i * 37 % 11) / 3),
        "x": rows(lambda i: (i * 17 % 13) / 2),
        "g": rows(lambda i: f"level {i % 5}"),
    }


def written(command, tmp_path, columns, *arguments, name="data.csv"):
    """Return the spec that ``init`` writes for a file with these columns."""
    write_data(tmp_path / name, columns)
    code, out, err = command("init", "first", "--data", name, *arguments)
    assert code == 0, err
    assert out == "first.yaml\n"
    return load_spec((tmp_path / "first.yaml").read_bytes(), "first.yaml").spec


def test_a_spec_is_written_and_its_path_printed(command, tmp_path):
    spec = written(command, tmp_path, plain_columns(), "--response", "y", "--group", "g")
    assert spec.name == "first"
    assert spec.data.path == "data.csv"
    assert spec.model.formula == "y ~ x + (1 | g)"
    assert spec.model.family == "gaussian"


def test_odd_names_are_quoted_in_formula_and_yaml(command, tmp_path):
    columns = plain_columns()
    odd = {"sales: net # 1": columns["y"], "price 'per' unit": columns["x"], "é|東": columns["g"]}
    spec = written(command, tmp_path, odd, "--response", "sales: net # 1", "--group", "é|東")
    assert spec.model.formula == "`sales: net # 1` ~ `price 'per' unit` + (1 | `é|東`)"


def test_a_column_that_repeats_others_is_left_out(command, tmp_path):
    columns = plain_columns()
    columns["twice"] = [2 * x + 1 for x in columns["x"]]
    columns["same"] = columns["y"]
    spec = written(command, tmp_path, columns, "--response", "y", "--group", "g")
    assert spec.model.formula == "y ~ x + (1 | g)"
    assert "'twice' is left out: other columns" in (tmp_path / "first.yaml").read_text()


def test_missing_values_are_dropped_and_a_nearly_empty_column_left_out(command, tmp_path):
    columns = plain_columns()
    columns["x"][3] = ""
    columns["empty"] = [""] * 39 + ["1.5"]
    spec = written(command, tmp_path, columns, "--response", "y", "--group", "g")
    assert spec.data.missing == "drop"
    assert spec.model.formula == "y ~ x + (1 | g)"


def test_dates_are_left_out(command, tmp_path):
    columns = plain_columns() | {"day": rows(lambda i: f"2024-01-{i % 28 + 1:02d}")}
    spec = written(command, tmp_path, columns, "--response", "y", "--group", "g")
    assert spec.model.formula == "y ~ x + (1 | g)"


def test_zeros_and_ones_become_bernoulli(command, tmp_path):
    columns = plain_columns() | {"clicked": rows(lambda i: i % 3 % 2)}
    spec = written(command, tmp_path, columns, "--response", "clicked", "--group", "g")
    assert spec.model.family == "bernoulli"


def test_response_and_group_are_guessed_and_said_to_be(command, tmp_path):
    spec = written(command, tmp_path, plain_columns())
    assert spec.model.formula == "y ~ x + (1 | g)"
    assert "is a guess" in (tmp_path / "first.yaml").read_text()


def test_the_data_path_is_relative_to_the_spec(command, tmp_path):
    (tmp_path / "specs").mkdir()
    write_data(tmp_path / "in" / "d.csv", plain_columns())
    assert command("init", "specs/a", "--data", "in/d.csv")[:2] == (0, "specs/a.yaml\n")
    text = (tmp_path / "specs" / "a.yaml").read_bytes()
    assert load_spec(text, "a.yaml").spec.data.path == "../in/d.csv"


def test_what_is_written_passes_validate(command, tmp_path):
    columns = plain_columns()
    columns["price (per unit)"] = rows(lambda i: (i * 29 % 17) / 4)
    columns["twice"] = [2 * x + 1 for x in columns["x"]]
    written(command, tmp_path, columns)
    code, out, err = command("validate", "first.yaml")
    assert code == 0, err
    assert out == "ok  first.yaml  40 rows, 5 levels of g\n"


def test_a_spec_is_not_overwritten_without_force(command, tmp_path):
    write_data(tmp_path / "data.csv", plain_columns())
    (tmp_path / "data.yaml").write_text("mine")
    code, out, err = command("init", "--data", "data.csv")
    assert (code, out) == (2, "")
    assert "error[usage.exists]" in err
    assert (tmp_path / "data.yaml").read_text() == "mine"
    assert command("init", "--data", "data.csv", "--force")[0] == 0


@pytest.mark.parametrize("name", ["missing/folder/a", "/"])
def test_a_name_in_no_folder_is_refused(command, name):
    code, _, err = command("init", name, "--data", "data.csv")
    assert code == 2
    assert "error[usage.no-folder]" in err


def test_a_missing_data_file_is_wrong_input(command):
    code, _, err = command("init", "--data", "nowhere.csv")
    assert code == 2
    assert "nowhere.csv" in err


def test_an_unknown_column_names_the_nearest(command, tmp_path):
    write_data(tmp_path / "data.csv", {"sales": [1.5, 2, 3], "g": ["a", "b", "c"]})
    _, _, err = command("init", "--data", "data.csv", "--response", "sale")
    assert "did you mean 'sales'?" in err


def test_the_schema_is_json(command):
    code, out, err = command("schema")
    assert (code, err) == (0, "")
    assert json.loads(out)["type"] == "object"


def test_a_column_that_cannot_be_read_is_refused_with_the_reason(command, tmp_path):
    columns = plain_columns()
    columns["country"] = ["NA" if i % 5 == 0 else f"land {i % 5}" for i in range(40)]
    write_data(tmp_path / "data.csv", columns)
    code, _, err = command("init", "--data", "data.csv", "--group", "country")
    assert code == 2
    assert "country: 8 missing from text 'NA'; set data.na_values" in err
    code, _, err = command("init", "--data", "data.csv", "--group", "g")
    assert code == 0
    assert "'country' is left out: 8 missing from text 'NA'" in err
