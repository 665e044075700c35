import pytest

from hiermix.errors import SpecError
from hiermix.spec.strict_yaml import MAX_DEPTH, MAX_ENTRIES, read_document, read_value
from tests.effort_support import at_most


def value_of(text):
    document = read_document(f"k: {text}", "s.yaml")
    assert document.errors == ()
    return document.value["k"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("true", True), ("False", False), ("tRUE", "tRUE"),
        ("null", None), ("~", None), ("", None), ("'~'", "~"), ("Null", None), ("none", "none"),
        ("1e3", 1000.0), ("1e-3", 0.001), ("1.0e-3", 0.001), (".5", 0.5), ("5.", 5.0),
        ("+1", 1), ("-1", -1), ("0500", 500), ("0o17", 15), ("0x1F", 31),
        ("1_000", "1_000"), ("0b11", "0b11"), ("1e", "1e"), ("--1", "--1"), ("1.2.3", "1.2.3"),
        ("12:30:45", "12:30:45"), ("2024-01-31", "2024-01-31"), ("=", "="), ("'1'", "1"),
        ('"1"', "1"), ("9007199254740993", 9007199254740993), ("٣", "٣"),
    ],
)  # fmt: skip
def test_types_are_those_of_yaml_1_2_core(text, value):
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_whatever_they_look_like():
    document = read_document("{1: a, NO: b, null: c, 1e3: d, 1|g: e}", "s.yaml")
    assert list(document.value) == ["1", "NO", "null", "1e3", "1|g"]


@pytest.mark.parametrize("text", [".nan", ".NaN", ".inf", "-.inf", "1e400", "-1e400"])
def test_numbers_that_are_not_finite_are_refused(text):
    document = read_document(f"fit: {{target_accept: {text}}}", "s.yaml")
    (error,) = document.errors
    assert error.id == "spec.not-finite"
    assert error.message == f"fit.target_accept: finite number expected, got {text}"
    assert (error.where.line, error.where.column) == (1, 22)


def test_an_integer_of_thousands_of_digits_is_refused():
    (error,) = read_document("a: " + "9" * 5000, "s.yaml").errors
    assert error.id == "spec.not-finite"


def test_every_duplicate_key_is_reported_with_both_lines():
    document = read_document("fit: 1\nmodel:\n  a: 1\n  a: 2\nfit: 3\n", "s.yaml")
    found = {e.where.key: (e.message, e.where.line, e.where.column) for e in document.errors}
    assert found == {
        "model.a": ("'a' first at line 3, again at line 4", 4, 3),
        "fit": ("'fit' first at line 1, again at line 5", 5, 1),
    }


@pytest.mark.parametrize(
    ("text", "id", "place"),
    [
        ("a: &x 1", "anchor", (1, 4)),
        ("a: *x", "anchor", (1, 4)),
        ("a: &x [*x]", "anchor", (1, 4)),
        ("a: 1\nb: !include /etc/passwd", "tag", (2, 4)),
        ("a: !!python/object/apply:os.system [id]", "tag", (1, 4)),
        ("a: !!str 1", "tag", (1, 4)),
        ("a: ! 1", "tag", (1, 4)),
        ("!!map {a: 1}", "tag", (1, 1)),
        ("&a a: 1", "anchor", (1, 1)),
        ("%YAML 1.1\n---\na: NO", "directive", (1, 1)),
        ("%TAG ! tag:x,2020:\n---\na: 1", "directive", (1, 1)),
    ],
)
def test_anchors_aliases_tags_and_directives_are_refused(text, id, place):
    with pytest.raises(SpecError, match="not allowed") as caught:
        read_document(text, "s.yaml")
    assert caught.value.id == f"spec.{id}"
    assert (caught.value.where.line, caught.value.where.column) == place


def test_merge_keys_are_refused():
    (error,) = read_document("<<: {a: 1}", "s.yaml").errors
    assert error.id == "spec.merge-key"


@pytest.mark.parametrize("text", ["[a, b]: 1", "? {a: 1}\n: 1", "? [a]\n: 1"])
def test_a_key_that_is_no_text_is_refused(text):
    (error,) = read_document(text, "s.yaml").errors
    assert error.id == "spec.key"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_with_little_work(opening):
    with at_most(1_000_000), pytest.raises(SpecError, match=f"nesting deeper than {MAX_DEPTH}"):
        read_document("a:\n  " + opening * 3000, "s.yaml")


def test_nesting_up_to_the_limit_is_read():
    levels = MAX_DEPTH - 2
    value = value_of("[" * levels + "1" + "]" * levels)
    for _ in range(levels):
        (value,) = value
    assert value == 1


def test_a_spec_has_a_limited_number_of_entries():
    with pytest.raises(SpecError) as caught:
        read_document("a: [" + "x," * MAX_ENTRIES + "]", "s.yaml")
    assert caught.value.id == "spec.too-many"


@pytest.mark.parametrize("text", ["", "# only\n# comments\n", "\n\n", "---\n# x\n"])
def test_an_empty_spec_is_told_so_or_is_null(text):
    with pytest.raises(SpecError) as caught:
        read_document(text, "s.yaml")
    assert caught.value.id in {"spec.empty", "spec.not-a-mapping"}
    assert (caught.value.where.line, caught.value.where.column) == (1, 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello", "a string"),
        ("- a", "a list"),
        ("3", "a number"),
        ("true", "a boolean"),
        ("~", "null"),
    ],
)
def test_the_root_has_to_be_a_mapping(text, kind):
    with pytest.raises(SpecError, match=f"expected a mapping, found {kind}"):
        read_document(text, "s.yaml")


@pytest.mark.parametrize(
    "formula",
    ["y ~ x # + (1|g)", "y ~ x\n    + z   # + (1|g)", "y ~ x  #"],
)
def test_a_comment_after_an_unquoted_formula_is_refused(formula):
    text = f"model:\n  formula: {formula}\n"
    (error,) = read_document(text, "s.yaml").errors
    assert error.message == "comment after an unquoted formula; quote it"
    assert text.split("\n")[error.where.line - 1][error.where.column - 1] == "#"


@pytest.mark.parametrize(
    "text",
    [
        'model:\n  formula: "y ~ x"  # quoted\n',
        "model:\n  formula: y ~ x\n  # a comment of its own\n",
        "model:\n  formula: |  # a block\n    y ~ x\n",
        "priors:\n  x: Normal(0, 1)  # weak\n",
        "fit:\n  draws: 100  # few\n",
    ],
)
def test_other_comments_are_fine(text):
    assert read_document(text, "s.yaml").errors == ()


def test_a_proper_block_scalar_is_a_formula():
    document = read_document("model:\n  formula: |\n    y ~ x +\n      z\n", "s.yaml")
    assert document.value["model"]["formula"] == "y ~ x +\n  z\n"


def test_an_escape_cannot_bring_in_hidden_characters():
    (error,) = read_document('a: "x\\u202e"', "s.yaml").errors
    assert error.message.startswith("U+202E")
    (error,) = read_document('"a\\0": 1', "s.yaml").errors
    assert error.message.startswith("U+0000")


def test_a_value_of_an_override_keeps_its_columns():
    document = read_value("fit={draws: 1, seed: 2}", "--set", 4, "fit")
    assert document.value == {"draws": 1, "seed": 2}
    assert document.source.places["fit.seed"].value_at == (1, 22)


def test_an_override_without_value_is_null():
    assert read_value("fit.cores=", "--set", 10, "fit.cores").value is None
