"""What explain says about group means and identification."""

from types import SimpleNamespace

import numpy as np
from model_support import frame_of, panel, spec_of

from hiermix.cli import main
from hiermix.cli.explain_text import explain_document, explain_lines
from hiermix.cli.text import plain
from hiermix.design import build_design
from hiermix.gates.verdict import Verdict
from hiermix.model import plan_model


def prepared(formula, cre=()):
    table = panel(n_groups=9)
    table["flat"] = np.where(table["g"] == "g2", 0.0, table["x"])
    spec = spec_of(formula, cre=cre).spec
    frame = frame_of(table, spec)
    design = build_design(spec, frame)
    return SimpleNamespace(
        loaded=SimpleNamespace(spec=spec),
        frame=frame,
        design=design,
        plan=plan_model(spec, design),
        engine="nuts",
        engine_reasons={},
        verdict=Verdict("publish", ()),
        warnings=design.warnings,
    )


def text_of(prepared):
    return plain(explain_lines(prepared))


def test_group_means_are_listed_with_their_columns():
    run = prepared("y ~ x + f + (1 | g)", [{"group": "g", "form": "within-between"}])
    (entry,) = explain_document(run)["cre"]
    assert (entry["group"], entry["form"], entry["terms"]) == ("g", "within-between", ["x", "f"])
    assert entry["columns"][1] == {
        "column": "f[b]",
        "within": "cre_within_f[b]",
        "mean": "cre_mean_f[b]",
    }
    text = text_of(run)
    assert "by g, within-between: x, f" in text
    assert "cre_within_x" in text


def test_without_group_means_nothing_is_said_of_them():
    run = prepared("y ~ x + (1 | g)")
    assert explain_document(run)["cre"] == []
    assert "Group means" not in text_of(run)


def test_the_audit_counts_statuses_and_names_what_is_not_identified():
    run = prepared("y ~ flat + (flat || g)")
    found = explain_document(run)["identification"]
    assert found["summary"] == (
        "1 of 18 group-specific effects is not identified by the likelihood alone: "
        "1 only through its prior."
    )
    slope = found["terms"][1]
    assert (slope["effect"], slope["likelihood"], slope["prior-only"]) == ("flat|g", 8, 1)
    assert found["sentences"] == [
        "flat is 0 in every row of g g2: its slope is known only through its prior"
    ]
    assert found["sentences"][0] in text_of(run)


def test_the_audit_is_shown_even_if_a_gate_refuses_the_design(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i * 7 % 11},{i}\n" for i in range(12))
    (tmp_path / "d.csv").write_text(f"y,id\n{rows}")
    (tmp_path / "s.yaml").write_text(
        "data: {path: d.csv}\nmodel: {formula: y ~ 1 + (1 | id)}\nfit: {seed: 1}\n"
    )
    assert main(["explain", "s.yaml"]) == 2
    out, err = capsys.readouterr()
    assert "12 of 12 group-specific effects are not identified by the likelihood alone" in out
    assert "only the sum of the effect of id 0 and the residual is identified" in out
    assert "gate.design.residual_per_row" in err


def test_a_model_without_group_terms_has_no_audit():
    run = prepared("y ~ x")
    assert explain_document(run)["identification"] == {}
    assert "What the data can identify" not in text_of(run)
