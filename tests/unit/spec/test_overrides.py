import pytest

from hiermix.errors import InputErrors
from hiermix.spec.overrides import apply_overrides, split_key
from hiermix.spec.strict_yaml import read_document

BASE = """\
data: {path: d.csv}
model: {formula: y ~ x}
fit: {seed: 1, target_accept: .nan}
cre: [{group: g, terms: [a]}]
gates:
"""


def applied(*overrides, text=BASE):
    return apply_overrides(read_document(text, "s.yaml"), overrides)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("fit.draws=2000", ("fit", "draws"), 2000),
        ("fit.seed=0x10", ("fit", "seed"), 16),
        ("fit.cores=", ("fit", "cores"), None),
        ("name=a=b", ("name",), "a=b"),
        ("name='1'", ("name",), "1"),
        ("model.formula=y ~ x + (1 | g)", ("model", "formula"), "y ~ x + (1 | g)"),
        ("priors.1|g=HalfNormal(1)", ("priors", "1|g"), "HalfNormal(1)"),
        ("priors.price.eur=0.5", ("priors", "price.eur"), 0.5),
        ("data.types.a.b=category", ("data", "types", "a.b"), "category"),
        ("gates.limits.rhat=1.005", ("gates", "limits", "rhat"), 1.005),
        ("model.bounds.m.tv=[0, null]", ("model", "bounds", "m.tv"), [0, None]),
        ("outputs={dir: x, report: false}", ("outputs",), {"dir": "x", "report": False}),
        ("cre.0.group=h", ("cre", 0, "group"), "h"),
        ("cre.0.terms.0=b", ("cre", 0, "terms", 0), "b"),
        ("cre.0.terms.1=b", ("cre", 0, "terms", 1), "b"),
        ("cre.1.group=h", ("cre", 1, "group"), "h"),
        ("unknown.key=1", ("unknown", "key"), 1),
    ],
)
def test_a_value_is_set(override, path, value):
    found = applied(override).value
    for part in path:
        found = found[part]
    assert found == value


def test_the_document_given_is_not_changed():
    document = read_document(BASE, "s.yaml")
    apply_overrides(document, ["fit.seed=2"])
    assert document.value["fit"]["seed"] == 1


def test_the_last_override_wins():
    assert applied("fit.seed=2", "fit.seed=3").value["fit"]["seed"] == 3


def test_positions_point_into_the_override():
    source = applied("fit.draws=10", "outputs={dir: /x}").source
    assert source.where("fit.draws").file == "--set"
    where = source.value("fit.draws")
    assert (where.source, where.line, where.column) == ("fit.draws=10", 1, 11)
    assert source.value("outputs.dir").column == 15
    assert source.where("outputs").column == 1
    assert source.where("fit.seed").file == "s.yaml"


def test_positions_of_what_was_replaced_are_forgotten():
    source = applied("fit={seed: 3}").source
    where = source.where("fit.target_accept")
    assert (where.file, where.source) == ("--set", "fit={seed: 3}")


def test_an_error_that_an_override_repairs_is_gone():
    assert len(applied().errors) == 1
    assert applied("fit.target_accept=0.9").errors == ()
    (error,) = applied("fit.target_accept=.inf").errors
    assert error.where.file == "--set"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("fit.draws", "key.path=value expected"),
        ("", "key.path=value expected"),
        ("=1", "'' is no key path"),
        ("fit..draws=1", "'fit..draws' is no key path"),
        ("priors.=1", "'priors.' is no key path"),
        ("fit.draws=1\nmodel: 2", "on one line"),
        ("model.formula.x=1", "'model.formula' is no mapping"),
        ("cre.x=1", "'cre' is a list of 1: 'x' is no place in it"),
        ("cre.5.group=1", "'cre' is a list of 1: '5' is no place in it"),
        ("cre.-1.group=1", "'-1' is no place in it"),
        ("cre.\u0660.group=1", "is no place in it"),
        ("fit.draws=[1", "expected , or ]"),
        ("fit.draws=&a 1", "anchors/aliases not allowed"),
        ("name=a: b", "quote the text"),
        ("name=\u202ex", "U+202E"),
        ("model.formula=y ~ x: z", "quote the text"),
        ("cre=- a", "quote the text"),
    ],
)
def test_wrong_overrides_are_refused(override, words):
    with pytest.raises(InputErrors) as caught:
        applied(override, text="data: {}\nmodel: {formula: y}\ncre: [{group: g}]")
    (error,) = caught.value.errors
    assert words in error.message
    assert error.where.file == "--set"


def test_every_wrong_override_is_reported():
    with pytest.raises(InputErrors) as caught:
        applied("a", "fit.seed=5", "b")
    assert [e.where.source for e in caught.value.errors if e.where.file == "--set"] == ["a", "b"]


def test_a_comment_after_an_overriding_formula_is_refused():
    document = applied("fit.target_accept=", "model.formula=y ~ x # z")
    (error,) = document.errors
    assert (error.id, error.where.column) == ("spec.comment-in-formula", 21)


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("name", ("name",)),
        ("priors", ("priors",)),
        ("priors.a.b.c", ("priors", "a.b.c")),
        ("model.components.sigma", ("model", "components", "sigma")),
        ("model.parameterization", ("model", "parameterization")),
        ("cre.0.terms.1", ("cre", "0", "terms", "1")),
    ],
)
def test_keys_are_split_at_dots_outside_of_names(key, parts):
    assert split_key(key) == parts
