import pytest

from hiermix.errors import FormulaError, InputErrors, Where
from hiermix.spec.strict_yaml import read_document

TEXT = """\
model:
  formula: "y ~ x + z"
  plain: y ~ z
  folded: >
    y ~
    x
  block: |
    y ~ x +
      w + 1
  escaped: "y\\t~ x"
priors: {1|g: 'Normal(0, 1)', a.b: x}
cre:
  - terms: [a, bc]
"""


@pytest.fixture(scope="module")
def source():
    return read_document(TEXT, "s.yaml").source


@pytest.mark.parametrize(
    ("key", "offset", "place"),
    [
        ("model", 0, (1, 1)),
        ("model.formula", 0, (2, 3)),
        ("model.formula", 1, (2, 13)),
        ("model.formula", 5, (2, 17)),
        ("model.plain", 5, (3, 14)),
        ("model.folded", 5, (4, 11)),
        ("model.block", 1, (8, 5)),
        ("model.block", 11, (9, 7)),
        ("model.escaped", 3, (10, 12)),
        ("priors.1|g", 0, (11, 10)),
        ("priors.1|g", 8, (11, 23)),
        ("priors.a.b", 0, (11, 31)),
        ("cre.0.terms.1", 0, (13, 16)),
        ("cre.0.terms.1", 2, (13, 17)),
        ("model.link", 0, (1, 1)),
        ("model.link", 3, (1, 1)),
        ("outputs.dir", 0, (1, 1)),
        ("cre.0.terms.9", 0, (13, 5)),
    ],
)
def test_positions_of_keys_and_inside_values(source, key, offset, place):
    where = source.where(key, offset)
    assert (where.line, where.column) == place
    assert (where.file, where.key) == ("s.yaml", key)


def test_the_value_starts_at_its_quote(source):
    assert source.value("model.formula").column == 12
    assert source.value("model.family").line == 1


def test_a_caret_in_a_formula_becomes_a_caret_in_the_spec(source):
    error = FormulaError("f.x", "no", Where(source="y ~ x + z", caret=9, width=1), "h")
    placed = source.place(error, "model.formula")
    where = placed.where
    assert isinstance(placed, FormulaError)
    assert (where.line, where.column, where.caret) == (2, 21, 21)
    assert where.source == '  formula: "y ~ x + z"'
    assert where.source[where.caret - 1] == "z"
    assert (placed.id, placed.message, placed.hint) == ("f.x", "no", "h")


def test_a_caret_in_a_later_line_of_a_formula_is_found(source):
    error = FormulaError("f.x", "no", Where(source="  w + 1", caret=3))
    where = source.place(error, "model.block").where
    assert (where.line, where.column) == (9, 7)
    assert where.source[where.caret - 1] == "w"


def test_a_text_that_is_not_written_as_it_reads_is_shown_as_it_reads(source):
    error = FormulaError("f.x", "no", Where(source="y\t~ x", caret=5))
    where = source.place(error, "model.escaped").where
    assert (where.line, where.column) == (10, 12)
    assert (where.source, where.caret) == ("y\t~ x", 5)


def test_an_error_without_caret_points_at_its_own_key(source):
    error = FormulaError("f.x", "no", Where(key="priors.1|g"))
    assert source.place(error).where.column == 10


def test_errors_of_files_and_without_key_are_left_alone(source):
    for where in (Where(file="d.csv", key="data.path"), Where()):
        error = FormulaError("f.x", "no", where)
        assert source.place(error) is error


def test_several_errors_are_placed_one_by_one(source):
    both = InputErrors(FormulaError("f.x", "no", Where(key=k)) for k in ("model", "priors"))
    assert [e.where.line for e in source.place(both).flatten()] == [1, 11]
