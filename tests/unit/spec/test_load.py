import pickle

import pytest

from hiermix.errors import FormulaError, HiermixError, InputErrors, PriorError, SpecError
from hiermix.spec import LoadedSpec, RunSpec, load_spec
from hiermix.spec.load import default_name

GOOD = "data: {path: d.csv}\nmodel: {formula: y ~ x}\nfit: {seed: 1}\n"


def errors_of(text, overrides=()):
    with pytest.raises(HiermixError) as caught:
        load_spec(text, "dir/s.yaml", overrides)
    assert caught.value.exit_code == 2
    return caught.value.flatten()


def test_a_spec_is_loaded_with_its_text_and_its_positions():
    loaded = load_spec(b"\xef\xbb\xbf" + GOOD.encode(), "dir/s.yaml", ["fit.draws=200"])
    assert isinstance(loaded, LoadedSpec)
    assert isinstance(loaded.spec, RunSpec)
    assert (loaded.text, loaded.origin, loaded.overrides) == (
        GOOD,
        "dir/s.yaml",
        ("fit.draws=200",),
    )
    assert (loaded.spec.name, loaded.spec.fit.draws) == ("s", 200)
    assert loaded.source.where("fit.seed").line == 3
    assert pickle.loads(pickle.dumps(loaded)) == loaded


def test_windows_line_ends_are_fine():
    loaded = load_spec(GOOD.replace("\n", "\r\n").encode(), "s.yaml")
    assert loaded.source.where("fit.seed").line == 3
    assert "\r\n" in loaded.text


def test_priors_are_spelt_out():
    spec = load_spec(GOOD + "priors: {x: 'Normal(0,1)', z: 2}", "s.yaml").spec
    assert spec.priors == {"x": "Normal(mu=0, sigma=1)", "z": 2.0}


def test_a_name_in_the_spec_wins():
    assert load_spec(GOOD + "name: other", "s.yaml").spec.name == "other"


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("specs/sleepstudy.yaml", "sleepstudy"), ("a b/ü x.yml", "x"), ("<stdin>", "stdin"),
        ("-", "model"), ("..", "model"), (".hidden.yaml", "hidden"), ("x" * 300, "x" * 100),
        ("a.b.yaml", "a.b"),
    ],
)  # fmt: skip
def test_the_default_name_is_a_safe_form_of_the_file_name(origin, name):
    assert default_name(origin) == name
    assert load_spec(GOOD, origin).spec.name == name


def test_all_errors_come_at_once_in_the_order_of_the_text():
    found = errors_of(
        "data: {path: ~/d.csv, pth: 1}\n"
        "model: {family: gausian}\n"
        "priors: {x: Normall(0), cor|g: LKJ(2)}\n"
        "fit: {draws: 1.5, draws: 2, cores: 99999}\n",
        ["outputs.dir=/x", "gates.policy=lax"],
    )
    assert [(e.where.file, e.where.line, e.id) for e in found] == [
        ("dir/s.yaml", 1, "spec.home"),
        ("dir/s.yaml", 1, "spec.unknown-key"),
        ("dir/s.yaml", 2, "spec.missing"),
        ("dir/s.yaml", 2, "spec.unknown-family"),
        ("dir/s.yaml", 3, "prior.unknown-distribution"),
        ("dir/s.yaml", 4, "spec.missing"),
        ("dir/s.yaml", 4, "spec.wrong-type"),
        ("dir/s.yaml", 4, "spec.duplicate-key"),
        ("dir/s.yaml", 4, "spec.out-of-range"),
        ("--set", 1, "spec.absolute-output"),
        ("--set", 1, "spec.not-a-choice"),
    ]
    assert all(e.hint for e in found)


def test_one_error_is_raised_as_itself():
    with pytest.raises(SpecError):
        load_spec(GOOD + "x: 1", "s.yaml")
    with pytest.raises(PriorError):
        load_spec(GOOD + "priors: {x: N(0)}", "s.yaml")
    with pytest.raises(InputErrors):
        load_spec(GOOD + "x: 1\nz: 2", "s.yaml")


def test_the_formula_is_parsed_at_load():
    with pytest.raises(FormulaError) as caught:
        load_spec(GOOD.replace("y ~ x", "'y ~ x +'"), "s.yaml")
    where = caught.value.where
    assert (where.line, where.key) == (2, "model.formula")
    assert where.source == "model: {formula: 'y ~ x +'}"


def test_formulas_of_components_are_parsed_at_load():
    text = GOOD.replace("y ~ x", "y ~ x, components: {sigma: '~ 1 + (1 | g)'}")
    assert load_spec(text, "s.yaml").spec.model.components == {"sigma": "~ 1 + (1 | g)"}
    (error,) = errors_of(text.replace("(1 | g)", "(1 | "))
    assert error.where.key == "model.components.sigma"


def test_a_number_that_is_not_finite_is_reported_once():
    (error,) = errors_of(GOOD + "outputs: {interval: .nan}")
    assert error.id == "spec.not-finite"


def test_no_error_shows_a_secret_or_keeps_one_in_its_causes():
    with pytest.raises(HiermixError) as caught:
        load_spec("data: {url: 'pg://u:SECRETVALUE@h', path: 'x://k:SECRETVALUE@h'}", "s.yaml")
    error = caught.value
    seen = []
    while error is not None:
        seen.append(repr(error) + str(getattr(error, "flatten", tuple)()))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert "SECRETVALUE" not in "".join(seen)
    assert "SECRETVALUE" not in repr([e.to_dict() for e in caught.value.flatten()])
