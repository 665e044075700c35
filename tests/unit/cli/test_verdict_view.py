from hiermix.cli.text import plain
from hiermix.cli.verdict_view import verdict_lines
from hiermix.gates.verdict import Finding

FINDINGS = (
    Finding(
        "rhat[common]",
        "sampler",
        "fail",
        "rhat",
        1.02,
        1.005,
        1.01,
        "1|g",
        "too high",
        "more draws",
    ),
    Finding("ess", "sampler", "pass", "ess_bulk", 812.0, 400.0, 400.0, "x", "fine", ""),
    Finding("energy", "sampler", "not applicable", "ebfmi", None, 0.3, 0.3, "", "", ""),
)


def test_every_gate_has_a_row_and_a_failure_its_remedy():
    assert plain(verdict_lines("publish", "fail", FINDINGS)).split("\n") == [
        "  gate          status  value  warn at  fail at  worst",
        "  rhat[common]  fail    1.02   1.005    1.01     1|g",
        "  ess           pass    812    400      400      x",
        "fail: rhat[common]: too high",
        "   = remedy: more draws",
        "verdict: fail (policy publish; 1 fail, 1 pass, 1 not applicable)",
    ]


def test_quiet_shows_only_what_did_not_pass():
    text = plain(verdict_lines("publish", "fail", FINDINGS, all_rows=False))
    assert "ess" not in text
    assert "rhat" in text


def test_a_verdict_without_findings_says_so():
    text = plain(verdict_lines("explore", "pass", ()))
    assert text == "verdict: pass (policy explore; no gates)"
