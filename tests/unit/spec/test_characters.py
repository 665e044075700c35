import pytest

from hiermix.errors import SpecError
from hiermix.spec.characters import MAX_BYTES, decode, lines_of


def test_a_utf8_byte_order_mark_is_dropped():
    assert decode(b"\xef\xbb\xbfa: 1", "s.yaml") == "a: 1"


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("utf-16", "not UTF-8 (UTF-16 BOM)"), ("utf-32", "not UTF-8 (UTF-32 BOM)")],
)
def test_other_encodings_are_named(encoding, words):
    with pytest.raises(SpecError) as caught:
        decode("a: 1".encode(encoding), "s.yaml")
    assert caught.value.message == words
    assert (caught.value.where.line, caught.value.where.column) == (1, 1)


def test_bytes_that_are_not_utf8_are_placed():
    with pytest.raises(SpecError, match="not UTF-8 at byte 9") as caught:
        decode(b"a: 1\nb: \xe9", "s.yaml")
    assert (caught.value.where.line, caught.value.where.column) == (2, 4)


@pytest.mark.parametrize(
    ("character", "code"),
    [("\u202e", "U+202E"), ("\x00", "U+0000"), ("\x1b", "U+001B"), ("\x85", "U+0085"),
     ("\u2028", "U+2028"), ("\u2066", "U+2066"), ("\ud800", "U+D800"), ("\x7f", "U+007F")],
)  # fmt: skip
def test_hidden_characters_are_refused_with_code_point_and_place(character, code):
    with pytest.raises(SpecError, match="not allowed") as caught:
        decode(f"model:\n  formula: y ~{character}x", "s.yaml")
    assert caught.value.id == "spec.hidden-character"
    assert caught.value.message.startswith(code)
    where = caught.value.where
    assert (where.line, where.column, where.key) == (2, 15, "model.formula")


@pytest.mark.parametrize("text", ["tab\there", "é ü 漢字", "a\r\nb", "\U0001f600", "a\u200db"])
def test_ordinary_text_is_kept(text):
    assert decode(text.encode(), "s.yaml") == text


def test_a_spec_has_at_most_one_mebibyte():
    assert decode(b"#" * MAX_BYTES, "s.yaml")
    with pytest.raises(SpecError) as caught:
        decode(b"#" * (MAX_BYTES + 1), "s.yaml")
    assert caught.value.id == "spec.too-large"


def test_all_line_ends_count_alike():
    assert lines_of("a\r\nb\rc\nd") == ("a", "b", "c", "d")
