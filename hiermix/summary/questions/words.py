"""A question in words."""

from __future__ import annotations

from hiermix.spec import QuestionSpec
from hiermix.spec.questions import name_of

SCALES = {
    "coefficient": "coefficients",
    "deviation": "deviations from the common effect",
    "response": "expected responses, averaged over the rows",
}


def question_words(question: QuestionSpec) -> str:
    """Return what a question asks.

    Examples
    --------
    >>> question_words(QuestionSpec(of="x", threshold=0.1))
    'x: coefficients of x; is it above or below 0.1 (from P = 0.95 on)'
    """
    asked = [_about(question)]
    threshold = f"is it above or below {question.threshold:g}"
    asked.append(f"{threshold} (from P = {question.decide:g} on)")
    if question.rope is not None:
        asked.append("is it as good as none, between {:g} and {:g}".format(*question.rope))
    if question.best is not None:
        largest = "largest" if question.best == "max" else "smallest"
        top = "" if question.top is None else f", which are the top {question.top}"
        asked.append(f"which is best ({largest}){top}")
    return f"{name_of(question)}: {'; '.join(asked)}"


def _about(question: QuestionSpec) -> str:
    words = [f"{SCALES[question.scale]} of {question.of}"]
    if question.values is not None:
        words.append("from {:g} to {:g}".format(*question.values))
    if question.at:
        at = ", ".join(
            f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in question.at.items()
        )
        words.append(f"with {at}")
    if question.by is not None:
        words.append(f"apart by {question.by}")
    if question.levels is not None:
        words.append(f"for {', '.join(question.levels)}")
    match question.contrast:
        case "pairwise":
            words.append("each level less each later one")
        case "mean":
            words.append("each level less the mean of the levels")
        case "reference":
            words.append(f"each level less {question.reference}")
    return ", ".join(words)
