import pytest

from hiermix.errors import FormulaError, Where
from hiermix.spec import checks
from hiermix.spec.checks import meaning_errors, visible_cpus
from hiermix.spec.strict_yaml import read_document


@pytest.fixture(autouse=True)
def formula_parser(monkeypatch):
    """A parser that refuses '?' with a caret under it."""

    def parse(text):
        for line in text.split("\n"):
            if "?" in line:
                where = Where(source=line, caret=line.index("?") + 1)
                raise FormulaError("formula.bad", "'?' not supported", where)

    monkeypatch.setattr(checks, "parse_formula", parse)
    monkeypatch.setattr(checks, "parse_right_side", parse)


def errors_of(text):
    document = read_document(text, "s.yaml")
    return list(meaning_errors(document.value, document.source))


def only(text):
    (error,) = errors_of(text)
    return error


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("model:\n  formula: y ~ x ? z", (2, 18)),
        ('model:\n  formula: "y ~ x ? z"', (2, 19)),
        ("model: {formula: 'y ? x'}", (1, 21)),
        ("model:\n  formula: |\n    y ~\n      ? z\n", (4, 7)),
    ],
)
def test_an_error_of_the_formula_points_into_the_spec(text, place):
    error = only(text)
    where = error.where
    assert isinstance(error, FormulaError)
    assert (where.line, where.column, where.key) == (*place, "model.formula")
    assert where.source[where.caret - 1] == "?"


def test_formulas_of_components_are_checked_too():
    error = only("model: {formula: y ~ x, components: {sigma: '~ ?'}}")
    assert (error.where.key, error.where.column) == ("model.components.sigma", 48)


@pytest.mark.parametrize(
    ("model", "message", "key"),
    [
        ("family: gausian", "unknown family 'gausian'; did you mean 'gaussian'?", "family"),
        ("link: loggit", "unknown link 'loggit'; did you mean 'logit'?", "link"),
        ("link: logit", "link 'logit' cannot be used with family gaussian", "link"),
        ("family: t, components: {nuu: ~ x}",
         "family t has no parameter 'nuu' that can have a formula; did you mean 'nu'?",
         "components.nuu"),
        ("components: {mu: ~ x}", "'mu' is what model.formula is about", "components.mu"),
        ("family: poisson, known_se: se", "known_se needs family gaussian, got poisson",
         "known_se"),
        ("known_se: se, components: {sigma: ~ x}",
         "known_se and components.sigma both say what sigma is", "known_se"),
        ("bounds: {x: [2, 1]}", "model.bounds.x: lower < upper expected", "bounds.x"),
        ("bounds: {x: [1, 1.0]}", "model.bounds.x: lower < upper expected", "bounds.x"),
        ("bounds: {x: [null, null]}", "model.bounds.x: a limit expected, got none", "bounds.x"),
    ],
)  # fmt: skip
def test_what_types_alone_cannot_say_about_the_model(model, message, key):
    error = only(f"model: {{{model}}}")
    assert error.message == message
    assert error.where.key == f"model.{key}"
    assert error.hint


@pytest.mark.parametrize(
    "model",
    [
        "family: bernoulli, link: probit",
        "family: wald, link: inverse",
        "known_se: se",
        "components: {sigma: ~ x}",
        "bounds: {x: [0, null], z: [null, 0], w: [-1, 1]}",
        "family: [1], link: 3, components: 4, bounds: [], known_se: {}",
    ],
)
def test_good_models_and_values_of_the_wrong_type_pass(model):
    assert errors_of(f"model: {{{model}}}") == []


def test_an_unknown_family_points_at_its_key():
    error = only("model:\n  formula: y ~ x\n  family: gausian")
    assert (error.where.line, error.where.column) == (3, 3)


def test_errors_of_priors_point_into_their_text():
    first, second = errors_of(
        "priors:\n  x: Normall(0, 1)\n  '1|g': \"HalfNormal(sigma=-1)\"\n  z: 3"
    )
    assert (first.where.line, first.where.column, first.where.key) == (2, 6, "priors.x")
    assert first.where.width == len("Normall")
    assert (second.where.line, second.where.column, second.where.key) == (3, 28, "priors.1|g")


def test_only_correlations_have_lkj():
    error = only('priors:\n  "cor|g": LKJ(2)\n  x: "LKJ(2)"')
    assert error.id == "prior.correlation"
    assert (error.where.line, error.where.column, error.where.width) == (3, 7, 3)


def test_a_prior_that_a_comma_cut_short_is_explained():
    error = only("priors: {x: Normal(0, 1)}")
    assert "has to be quoted" in error.hint


def test_more_cores_than_cpus_are_refused():
    cpus = visible_cpus()
    assert errors_of(f"fit: {{cores: {cpus}}}") == []
    error = only(f"fit: {{cores: {cpus + 1}}}")
    assert error.message == f"fit.cores <= {cpus} (CPUs visible) expected, got {cpus + 1}"


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("data: {path: s3://b/x.csv}", "data.path: URLs not allowed; value redacted", 14),
        ("data: {path: 's3://K:SECRETVALUE@b'}", "data.path: URLs not allowed; value redacted", 14),
        ("data: {path: file:///etc/passwd}", "data.path: URLs not allowed; value redacted", 14),
        ("data: {path: '${HOME}/x'}", "data.path: interpolation not supported; literal '$'", 15),
        ("data: {path: a/$HOME}", "data.path: interpolation not supported; literal '$'", 16),
        ("data: {path: ~/x.csv}", "data.path: '~' not expanded", 14),
        ("data: {path: '~/x.csv'}", "data.path: '~' not expanded", 14),
        ("outputs: {dir: /etc/x}", "outputs.dir: absolute output only with --out", 16),
        ("outputs: {dir: 'C:\\x'}", "outputs.dir: absolute output only with --out", 16),
        ("outputs: {dir: '\\\\h\\x'}", "outputs.dir: absolute output only with --out", 16),
        ("outputs: {dir: ~/x}", "outputs.dir: '~' not expanded", 16),
        ("outputs: {dir: ..}", "outputs.dir leaves the current folder", 16),
        ("outputs: {dir: a/../../b}", "outputs.dir leaves the current folder", 16),
        ("outputs: {dir: a\\..\\..\\b}", "outputs.dir leaves the current folder", 16),
        ("outputs: {dir: s3://b}", "outputs.dir: URLs not allowed; value redacted", 16),
        ("outputs: {dir: $X/runs}", "outputs.dir: interpolation not supported; literal '$'", 16),
        ("data: {url: 'pg://u:SECRETVALUE@h/d'}",
         "data.url: credentials in a URL not allowed; value redacted", 21),
        ("data: {query: \"FROM 's3://k:SECRETVALUE@b'\"}",
         "data.query: credentials in a URL not allowed; value redacted", 29),
        ("x: [{y: 'pg://u:SECRETVALUE@h'}]",
         "x.0.y: credentials in a URL not allowed; value redacted", 17),
    ],
)  # fmt: skip
def test_paths_and_secrets(text, message, column):
    error = only(text)
    assert error.message == message
    assert error.where.column == column
    assert "SECRETVALUE" not in repr(error.to_dict())


@pytest.mark.parametrize(
    "text",
    ["data: {path: ../other/x.csv}", "data: {path: /data/x.csv}", "data: {path: 'a$.csv'}",
     "data: {path: 'data/*.csv'}", "outputs: {dir: a/../b}", "outputs: {dir: .}",
     "outputs: {dir: runs/here}", "data: {query: \"SELECT 'a@b' FROM data\"}"],
)  # fmt: skip
def test_ordinary_paths_pass(text):
    assert errors_of(text) == []
