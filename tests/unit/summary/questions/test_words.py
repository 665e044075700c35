import pytest

from hiermix.spec import QuestionSpec
from hiermix.summary.questions.words import question_words


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (
            {"of": "x|g", "name": "lift", "rope": [-0.02, 0.02], "best": "max", "top": 2},
            "lift: coefficients of x|g; is it above or below 0 (from P = 0.95 on); is it as good "
            "as none, between -0.02 and 0.02; which is best (largest), which are the top 2",
        ),
        (
            {"of": "1|g", "scale": "deviation", "contrast": "reference", "reference": "US"},
            "1|g reference deviation: deviations from the common effect of 1|g, each level less "
            "US; is it above or below 0 (from P = 0.95 on)",
        ),
        (
            {"of": "x", "scale": "response", "values": [0, 1], "by": "g", "at": {"z": 2, "s": "f"}},
            "x response: expected responses, averaged over the rows of x, from 0 to 1, with z = 2, "
            "s = f, apart by g; is it above or below 0 (from P = 0.95 on)",
        ),
    ],
)
def test_every_key_of_a_question_is_said(question, words):
    assert question_words(QuestionSpec.model_validate(question)) == words
