import sys

import pytest

from hiermix.engines.loading import put_off


@pytest.fixture(autouse=True)
def a_costly_library(tmp_path, monkeypatch):
    (tmp_path / "costly").mkdir()
    (tmp_path / "costly/__init__.py").write_text("LIMIT = 3\ndef double(x): return 2 * x\n")
    (tmp_path / "costly/drawing.py").write_text("def draw(*, colour): return colour\n")
    (tmp_path / "client.py").write_text(
        "import costly\nfrom costly import double\nfrom costly.drawing import draw\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("costly", "costly.drawing", "client"):
        sys.modules.pop(name, None)


def test_a_library_that_is_put_off_is_loaded_when_it_is_first_called():
    with put_off("costly", "costly.drawing"):
        import client
    assert "costly" not in sys.modules
    assert client.double(4) == 8
    assert client.draw(colour="red") == "red"
    assert client.costly.LIMIT == 3
    import costly

    assert costly.LIMIT == 3


def test_a_library_that_is_there_stays_what_it_is():
    import costly

    with put_off("costly"):
        import client
    assert client.costly is costly is sys.modules["costly"]
    assert client.double is costly.double


def test_a_library_that_is_said_not_to_exist_still_does_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "costly.drawing", None)
    with put_off("costly.drawing"):
        import client
    with pytest.raises(ImportError):
        import costly.drawing  # noqa: F401
    with pytest.raises(ImportError):
        client.draw(colour="red")


def test_nothing_is_left_of_it_after_an_error():
    with pytest.raises(ZeroDivisionError), put_off("costly"):
        raise ZeroDivisionError
    assert "costly" not in sys.modules
