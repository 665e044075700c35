"""What a spec alone says about its questions."""

import pytest

from hiermix.errors import HiermixError
from hiermix.spec import load_spec
from hiermix.spec.questions import name_of, read_questions, stated_question

BASE = "data: {path: d.csv}\nmodel: {formula: y ~ x + (1|g)}\nfit: {seed: 1}\n"


def errors_of(*questions):
    text = BASE + "questions:\n" + "".join(f"  - {q}\n" for q in questions)
    with pytest.raises(HiermixError) as caught:
        load_spec(text, "s.yaml")
    return caught.value.flatten()


BAD = [
    ("{contrast: mean}", "spec.missing", "questions.0.of"),
    ("{of: 1|g, threshhold: 1}", "spec.unknown-key", "did you mean 'questions.0.threshold'"),
    ("{of: 1|g, contrast: pairs}", "spec.not-a-choice", "pairwise, mean or reference"),
    ("{of: 1|g, scale: logit}", "spec.not-a-choice", "coefficient, deviation or response"),
    ("{of: 1|g, threshold: high}", "spec.wrong-type", "number expected"),
    ("{of: 1|g, levels: g1}", "spec.wrong-type", "list expected"),
    ("{of: 1|g, levels: [308]}", "spec.wrong-type", "between quotes"),
    ("{of: 1|g, rope: 0.1}", "spec.wrong-type", "list expected"),
    ("{of: 1|g, rope: [0.1]}", "spec.missing", "questions.0.rope.1"),
    ("{of: 1|g, rope: [0, null]}", "spec.wrong-type", "number expected"),
    ("{of: 1|g, rope: [1, 0]}", "question.rope", "lower < upper"),
    ("{of: 1|g, decide: 1}", "spec.out-of-range", "from 0.5 to below 1"),
    ("{of: 1|g, decide: 0.4}", "spec.out-of-range", "from 0.5 to below 1"),
    ("{of: 1|g, best: max, top: 0}", "spec.out-of-range", "top >= 1"),
    ("{of: 1|g, top: 2}", "question.top", "best: max"),
    ("{of: 1|g, best: most}", "spec.not-a-choice", "max or min"),
    ("{of: 1|g, best: max, contrast: pairwise}", "question.best-of-contrasts", "two questions"),
    ("{of: 1|g, best: max, contrast: reference, reference: a}", "question.best-of-contrasts", ""),
    ("{of: 1|g, contrast: reference}", "question.no-reference", "reference: LEVEL"),
    ("{of: 1|g, reference: a}", "question.reference", "contrast: reference"),
    ("{of: 1|g, contrast: mean, reference: a}", "question.reference", ""),
    ("{of: 1|g, levels: [a, b, a]}", "question.level-twice", "'a' twice"),
    ("{of: 1|g, levels: []}", "question.few-levels", "1 or more"),
    ("{of: 1|g, levels: [a], contrast: mean}", "question.few-levels", "2 or more"),
    ("{of: 1|g, levels: [a], best: min}", "question.few-levels", "2 or more"),
    ("{of: x, values: [0, 1]}", "question.response-only", "scale: response"),
    ("{of: x, by: g}", "question.response-only", "scale: response"),
    ("{of: x, at: {z: 1}}", "question.response-only", "scale: response"),
    ("{of: x, scale: response, values: [1, 1]}", "question.values", "different"),
    ("{of: x, scale: response, values: [0, 1], contrast: mean}", "question.values", "no levels"),
    ("{of: x, name: ''}", "spec.wrong-length", "text expected"),
]


@pytest.mark.parametrize(("question", "id", "words"), BAD, ids=[q for q, _, _ in BAD])
def test_a_bad_question_is_refused_with_its_place(question, id, words):
    (error,) = errors_of(question)
    assert error.id == id
    assert words in f"{error.message} | {error.hint}"
    assert error.where.line == 5 and error.where.key.startswith("questions.0")
    assert error.hint


def test_all_questions_are_checked_at_once():
    found = errors_of("{of: 1|g, rope: [1, 0]}", "{of: x, top: 1}", "{off: x}")
    assert [e.where.line for e in found] == [5, 6, 7]


def test_names_must_differ_given_or_not():
    (error,) = errors_of("{of: 1|g, contrast: mean}", "{of: 1|g, contrast: mean, decide: 0.9}")
    assert (error.id, error.where.line) == ("question.name-twice", 6)
    (error,) = errors_of("{of: x}", "{of: 1|g, name: x}")
    assert (error.id, error.where.key) == ("question.name-twice", "questions.1.name")


def test_a_resolved_spec_states_the_same_questions():
    from hiermix.spec import resolved_yaml

    question = "{of: 1|g, best: max, top: 3, rope: [-0.1, 0.1], levels: ['1', b, c, d]}"
    spec = load_spec(BASE + f"questions: [{question}]\n", "s.yaml").spec
    assert load_spec(resolved_yaml(spec), "s.yaml").spec == spec


@pytest.mark.parametrize("text", ["{of: x}", "questions: [{of: x}]", "of: x\nthreshold: 1\n"])
def test_questions_outside_a_spec(text):
    (question,), _ = read_questions(text, "q.yaml")
    assert question.of == "x" and name_of(question) == "x"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("of: 1|g\ncontrst: mean\n", 2, "did you mean 'questions.0.contrast'"),
        ("questions:\n  - {of: x}\n  - {of: 1|g, top: 2}\n", 3, "which end"),
        ("questions: []\n", 1, "questions"),
        ("questions: [{of: x}]\nfit: {seed: 1}\n", 2, "unknown key"),
    ],
)
def test_bad_questions_outside_a_spec_have_their_place(text, line, words):
    with pytest.raises(HiermixError) as caught:
        read_questions(text, "q.yaml")
    (error,) = caught.value.flatten()
    assert words in error.message
    assert (error.where.file, error.where.line) == ("q.yaml", line)


def test_options_state_a_question():
    (question,) = stated_question({"of": "1|g", "rope": [-1.0, 1.0], "top": 2, "best": "min"})
    assert (question.rope, question.top, question.best) == ((-1.0, 1.0), 2, "min")
    with pytest.raises(HiermixError, match="lower < upper"):
        stated_question({"of": "1|g", "rope": [1.0, -1.0]})
