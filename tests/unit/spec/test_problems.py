import annotated_types
import pytest
import yaml

from hiermix.spec.models import SECTIONS
from hiermix.spec.problems import RANGES, described, shape_errors
from hiermix.spec.strict_yaml import read_document

GOOD = {
    "data": "data: {path: d.csv}",
    "model": "model: {formula: y ~ x}",
    "fit": "fit: {seed: 1}",
}


def errors_of(**changes):
    text = "\n".join({**GOOD, **changes}.values())
    document = read_document(text, "s.yaml")
    return shape_errors(document.value, document.source)


def only(**changes):
    (error,) = errors_of(**changes)
    return error


def test_a_good_spec_has_no_errors():
    assert errors_of() == []


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        ("draws: 1000.5", "fit.draws: integer expected, got 1000.5"),
        ("draws: 1e3", "fit.draws: integer expected, got 1e3; write 1000"),
        ("draws: '1000'", "fit.draws: integer expected, got text '1000'"),
        ("draws: true", "fit.draws: integer expected, got boolean true"),
        ("draws: -5", "fit.draws >= 100 expected, got -5"),
        ("tune: 99", "fit.tune >= 100 expected, got 99"),
        ("chains: yes", "fit.chains: integer expected, got text 'yes'"),
        ("chains: 1", "fit.chains: R-hat needs >= 2 chains (4 advised), got 1"),
        ("target_accept: 1.2", "0.5 <= fit.target_accept < 1 expected, got 1.2"),
        ("target_accept: 0.4", "0.5 <= fit.target_accept < 1 expected, got 0.4"),
        ("target_accept: '.9'", "fit.target_accept: number expected, got text '.9'"),
        ("max_treedepth: 40", "fit.max_treedepth: 5..15 expected, got 40"),
        ("cores: 0", "fit.cores >= 1 expected, got 0"),
        ("max_attempts: 0", "fit.max_attempts: 1..10 expected, got 0"),
        ("draws: null", "fit.draws: integer expected, got null"),
        ("engine: nutz", "fit.engine: auto, nuts or exact expected, got text 'nutz'; "
         "did you mean 'nuts'?"),
        ("engine: 3", "fit.engine: auto, nuts or exact expected, got 3"),
    ],
)  # fmt: skip
def test_values_of_fit(fit, message):
    line = f"fit: {{seed: 1, {fit}}}"
    error = only(fit=line)
    assert error.message == message
    key, _, value = fit.partition(": ")
    pointed = key if value == "null" else value
    assert (error.where.line, error.where.column) == (3, line.rindex(pointed) + 1)
    assert error.where.key == f"fit.{fit.partition(':')[0]}"


@pytest.mark.parametrize("seed", [-1, 4294967296])
def test_seeds_have_32_bits(seed):
    error = only(fit=f"fit: {{seed: {seed}}}")
    assert error.message == f"fit.seed: 0..4294967295 expected, got {seed}"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("formula: ~", "model.formula: text expected, got null"),
        ("formula: [y, x]", "model.formula: text expected, got list"),
        ("formula: ''", "model.formula: text expected, got nothing"),
        ("formula: y ~ x, scale: yes", "model.scale: boolean expected, got text 'yes'"),
        ("formula: y ~ x, family: 3", "model.family: text expected, got 3"),
        ("formula: y ~ x, components: [a]", "model.components: mapping expected, got list"),
        ("formula: y ~ x, components: {sigma: 1}", "model.components.sigma: text expected, got 1"),
        ("formula: y ~ x, parameterization: centred",
         "model.parameterization: auto, centered or noncentered expected, got text 'centred'; "
         "did you mean 'centered'?"),
        ("formula: y ~ x, parameterization: [a]",
         "model.parameterization: auto, centered, noncentered or mapping expected, got list"),
        ("formula: y ~ x, parameterization: {1|g: no}",
         "model.parameterization.1|g: auto, centered or noncentered expected, got text 'no'"),
        ("formula: y ~ x, bounds: {x: 0}", "model.bounds.x: list expected, got 0"),
        ("formula: y ~ x, bounds: {x: [0]}", "missing 'model.bounds.x.1'"),
        ("formula: y ~ x, bounds: {x: [0, 1, 2]}",
         "model.bounds.x: [lower, upper] expected, got another list"),
        ("formula: y ~ x, bounds: {x: [a, 1]}",
         "model.bounds.x.0: number expected, got text 'a'"),
    ],
)  # fmt: skip
def test_values_of_model(model, message):
    assert only(model=f"model: {{{model}}}").message == message


def test_null_where_a_value_is_needed_points_at_the_key():
    error = only(model="model:\n  formula: ~")
    assert (error.where.line, error.where.column) == (3, 3)


@pytest.mark.parametrize(
    ("name", "ok"),
    [("a", True), ("a-b_c.1", True), ("../x", False), ("a/b", False), ("..", False), ("a b", False),
     ("''", False), (".x", False), ("a\\b", False), ("é", False), ("x" * 101, False)],
)  # fmt: skip
def test_names_are_safe_as_folders(name, ok):
    found = errors_of(name=f"name: {name}")
    assert [e.id for e in found] == ([] if ok else ["spec.name"])


@pytest.mark.parametrize(
    ("changes", "message", "place", "key"),
    [
        ({"data": "# none"}, "missing 'data'", (1, 1), None),
        ({"model": "model: {family: t}"}, "missing 'model.formula'", (2, 1), "model"),
        ({"fit": "fit: {draws: 100}"}, "fit.seed is required", (3, 1), "fit"),
        ({"fit": "fit: ~"}, "fit: mapping expected, got null", (3, 1), "fit"),
        ({"fit": "fit: 3"}, "fit: mapping expected, got 3", (3, 6), "fit"),
    ],
)
def test_missing_keys_are_placed_at_their_parent(changes, message, place, key):
    error = only(**changes)
    assert error.message == message
    assert (error.where.line, error.where.column, error.where.key) == (*place, key)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("modle: {formula: y ~ x}", "unknown key 'modle'; did you mean 'model'?"),
        ("draws: 100", "unknown key 'draws'; did you mean 'fit.draws'?"),
        ("zzz: 1", "unknown key 'zzz'"),
        ("gates: {rhat: 1.01}", "unknown key 'gates.rhat'; did you mean 'gates.limits'?"),
        ("gates: {rhat_max: 5}", "unknown key 'gates.rhat_max'; did you mean 'gates.limits'?"),
        ("gates: {polcy: strict}", "unknown key 'gates.polcy'; did you mean 'gates.policy'?"),
        ("outputs: {directory: x}", "unknown key 'outputs.directory'"),
        ("cre: [{group: g, from: x}]", "unknown key 'cre.0.from'; did you mean 'cre.0.form'?"),
    ],
)
def test_unknown_keys_come_with_the_nearest_valid_one(line, message):
    error = only(extra=line)
    assert error.id == "spec.unknown-key"
    assert error.message == message
    assert error.hint


def test_a_misspelt_key_is_not_reported_as_missing_too():
    error = only(model="modle: {formula: y ~ x}")
    assert error.message == "unknown key 'modle'; did you mean 'model'?"
    assert (error.where.line, error.where.column) == (2, 1)


def test_a_priors_value_is_text_or_a_number():
    assert errors_of(priors="priors: {x: 'Normal(0, 1)', z: 0.5, w: 1}") == []
    error = only(priors="priors: {x: {dist: a.b}}")
    assert error.message == "priors.x: text or number expected, got mapping"
    assert "not allowed" in error.hint
    assert only(priors="priors: {x: true}").message.endswith("got boolean true")


def test_all_errors_come_at_once():
    found = errors_of(fit="fit: {draws: 1, chains: 1, spoon: 2}", gates="gates: {policy: x}")
    assert {e.where.key for e in found} == {
        "fit.draws", "fit.chains", "fit.spoon", "fit", "gates.policy",
    }  # fmt: skip


def test_secrets_are_not_echoed():
    found = errors_of(
        data="data: {path: 3, url: 'pg://u:SECRET@h'}", fit="fit: {seed: 's3://a:SECRET@b'}"
    )
    assert found
    assert "SECRET" not in repr([e.to_dict() for e in found])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("draws: 1000001", "fit.draws <= 1000000 expected, got 1000001"),
        ("tune: 1000001", "fit.tune <= 1000000 expected, got 1000001"),
        ("chains: 1001", "fit.chains <= 1000 expected, got 1001"),
        ("draws: 99", "fit.draws >= 100 expected, got 99"),
    ],
)
def test_each_end_of_a_range_has_its_words(setting, message):
    (error,) = errors_of(fit=f"fit: {{{setting}, seed: 1}}")
    assert error.message == message


def test_every_limited_number_has_its_range_in_words():
    limited = set()
    for key, model in SECTIONS.items():
        for name, field in model.model_fields.items():
            if any(
                isinstance(m, annotated_types.Ge | annotated_types.Gt | annotated_types.Interval)
                for m in _metadata(field)
            ):
                limited.add(f"{key}.{name}")
    assert limited == set(RANGES)


def _metadata(field):
    yield from field.metadata
    for inner in getattr(field.annotation, "__args__", ()):
        for outer in getattr(inner, "__metadata__", ()):
            yield from outer.metadata


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"), (False, "boolean false"), ("a", "text 'a'"), (3, "3"), (2.5, "2.5"),
        ([], "list"), ({}, "mapping"), ("x" * 70, "text '" + "x" * 57 + "...'"),
    ],
)  # fmt: skip
def test_values_are_described_in_words(value, words):
    assert described(value) == words


def test_no_message_is_pydantics():
    text = yaml.safe_dump({"data": {"path": 1, "types": {"a": "b"}}, "cre": {"a": 1}})
    document = read_document(text, "s.yaml")
    for error in shape_errors(document.value, document.source):
        assert "Input should" not in error.message
        assert "another value" not in error.message
