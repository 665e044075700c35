import pytest

from hiermix.errors import SpecError
from hiermix.spec.strict_yaml import read_document
from hiermix.spec.yaml_errors import key_at


@pytest.mark.parametrize(
    ("text", "words", "place", "key"),
    [
        ("model:\n\tformula: x", "found a tab; use spaces", (2, 1), "model.formula"),
        ("a:\t1", "found a tab; use spaces", (1, 3), "a"),
        ("fit: {draws: 1\ngates: 2\n",
         "expected , or }: the { on line 1 is never closed", (1, 1), "fit"),
        ("a:\n  b: [1, 2", "expected , or ]: the [ on line 2 is never closed", (2, 3), "a.b"),
        ("fit: {draws: 500 tune: 5}", "expected , or }", (1, 22), None),
        ("model:\n  formula: y ~ x: z",
         "mapping values not allowed; quote the formula", (2, 12), "model.formula"),
        ("name: a: b", "mapping values not allowed; quote the text", (1, 7), "name"),
        ("a: 1\n b: 2", "unexpected indentation", (2, 3), None),
        ("m:\n  a: 1\n b: 2", "this does not belong to the entries above", (3, 2), None),
        ("model:\n  formula: | y ~ x", "block scalar; quote the formula", (2, 12), "model.formula"),
        ("a: 'b\nc: 1\n", "the quote opened here is never closed", (1, 4), "a"),
        ("a: `x y`", "text that starts with ` has to be quoted", (1, 4), "a"),
        ("a: %x", "text that starts with % has to be quoted", (1, 4), "a"),
        ("a: 1\nfoo\nb: 2", "expected 'key: value'", (2, 1), None),
        ("a: 1\n---\nb: 2", "one document expected, found another", (2, 1), None),
        ('a: "\\q"', "not YAML: found unknown escape character 'q'", (1, 6), "a"),
    ],
)  # fmt: skip
def test_syntax_errors_name_the_usual_cause_and_the_place(text, words, place, key):
    with pytest.raises(SpecError) as caught:
        read_document(text, "s.yaml")
    error = caught.value
    assert error.message == words
    assert (error.where.line, error.where.column) == place
    assert error.where.source == text.split("\n")[place[0] - 1]
    assert error.hint
    if key:
        assert error.where.key == key


def test_a_secret_in_a_line_that_cannot_be_parsed_is_not_shown():
    with pytest.raises(SpecError) as caught:
        read_document("a: {url: pg://u:hunter2@h/d: e", "s.yaml")
    assert "hunter2" not in repr(caught.value.to_dict())


@pytest.mark.parametrize(
    ("lines", "line", "key"),
    [
        (("a:", "  b: 1", "c:", "  d: x: y"), 4, "c.d"),
        (("a: 1",), 1, "a"),
        (("{a: 1}",), 1, None),
        (("'1|g': x",), 1, "1|g"),
        ((), 1, None),
    ],
)
def test_the_key_is_guessed_from_indentation(lines, line, key):
    assert key_at(lines, line) == key
