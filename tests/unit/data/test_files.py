import os

import pytest

from hiermix.data.files import find_files
from hiermix.errors import DataError, EnvironmentFault


def refused(path, root, data_root=None):
    with pytest.raises((DataError, EnvironmentFault)) as caught:
        find_files(path, root, data_root)
    return caught.value


def test_a_relative_path_starts_from_the_spec_folder(tmp_path):
    (tmp_path / "a.csv").touch()
    files = find_files("a.csv", tmp_path, None)
    assert files.format == "csv"
    assert files.paths == ((tmp_path / "a.csv").resolve(),)
    assert files.names == ("a.csv",)


def test_the_suffix_may_be_in_capitals(tmp_path):
    (tmp_path / "A.CSV").touch()
    assert find_files("A.CSV", tmp_path, None).format == "csv"


def test_a_glob_is_sorted(tmp_path):
    for name in ("b.csv", "a.csv", "c.tsv"):
        (tmp_path / name).touch()
    assert find_files("*.csv", tmp_path, None).names == ("a.csv", "b.csv")


def test_several_paths_keep_their_order(tmp_path):
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).touch()
    assert find_files(("b.csv", "a.csv"), tmp_path, None).names == ("b.csv", "a.csv")


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path):
    for name in ("a[1].csv", "a1.csv"):
        (tmp_path / name).touch()
    assert find_files("a[1].csv", tmp_path, None).names == ("a[1].csv",)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("s3://KEY:SECRET@bucket/x.csv", "data.path: URLs not allowed; value redacted"),
        ("nothing*.csv", "no file matches 'nothing*.csv'"),
        ("**/x.csv", "data.path: '**' not supported"),
        ("missing.csv", "missing.csv: no such file"),
        ("", "data.path: not a file name"),
        ("a\0b.csv", "data.path: not a file name"),
        ("folder.csv", "folder.csv is a directory"),
        ("pipe.csv", "pipe.csv is not a regular file"),
        ("/dev/zero", "zero is not a regular file"),
        ("loop", "loop: too many levels of symbolic links"),
        ("two.zip", "two.zip: zip not supported"),
        ("bomb.csv.gz", "bomb.csv.gz: gz not supported"),
        ("evil.pkl", "evil.pkl: pkl not supported: reading it runs code"),
        ("sheet.xlsx", "sheet.xlsx: xlsx not supported"),
        ("plain", "plain: a file without suffix not supported"),
        ("text.db", "text.db: neither a DuckDB nor an SQLite database"),
        (("one.csv", "two.tsv"), "data.path names files of different kinds: csv, tsv"),
    ],
)
def test_what_cannot_be_data_is_refused_in_words(tmp_path, path, message):
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("two.zip", "bomb.csv.gz", "evil.pkl", "sheet.xlsx", "plain", "one.csv", "two.tsv"):
        (tmp_path / name).touch()
    (tmp_path / "text.db").write_bytes(b"x" * 100)
    error = refused(path, tmp_path)
    assert error.message == message
    assert error.where.key == "data.path"


def test_a_secret_in_a_url_is_in_no_part_of_the_error(tmp_path):
    error = refused("s3://KEY:SECRET@bucket/x.csv", tmp_path)
    assert "SECRET" not in str(error.to_dict())


def test_a_near_name_is_offered(tmp_path):
    (tmp_path / "sleepstudy.csv").touch()
    assert refused("sleepstdy.csv", tmp_path).hint == "did you mean 'sleepstudy.csv'?"


@pytest.mark.parametrize("path", ["../secret.csv", "link.csv", "../*.csv", "../not_there.csv"])
def test_nothing_outside_the_data_root_is_read_or_told(tmp_path, path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text("y\n1\n")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    error = refused(path, inside, data_root=inside)
    assert (error.id, error.message) == ("data.outside-root", "data.path leaves the data root")


def test_links_within_the_data_root_are_followed(tmp_path):
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert find_files("link.csv", tmp_path, tmp_path).names == ("link.csv",)


def test_an_unreadable_file_is_the_environments_fault(tmp_path, monkeypatch):
    (tmp_path / "a.csv").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    error = refused("a.csv", tmp_path)
    assert isinstance(error, EnvironmentFault)
    assert error.message == "a.csv: permission denied"
