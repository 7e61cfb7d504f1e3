"""Which numbers a text may hold."""

from __future__ import annotations

import pytest

from eegdash.report.numbers import known_numbers, unknown_numbers

FACTS = {
    "sensitivity": 0.6132,
    "n_windows": 1195,
    "auroc": 0.9504,
    "logit": -2.4815,
    "small": 0.0423,
    "nearly_all": 0.9963,
    "two": 2,
    "subject": "chb20",
    "evidence": "18 % of the evidence lies in theta (4-8 Hz), r = 0.76",
    "nothing": None,
    "flag": True,
}
KNOWN = known_numbers(FACTS)


@pytest.mark.parametrize(
    "text",
    [
        "Sensitivity is 61.32 %, or 0.613, or about 61 percent.",
        "It was 61 per cent.",
        "Of 1,195 windows (1195) ...",
        "AUROC 0.95",
        "The logit is -2.48.",
        "The logit is −2.5.",
        "18 % of it, that is 0.18, at 4-8 Hz",
        "4.2 % and 0.042",
        "99.6 %",
        "Two detections of chb20, F1 and FP/24 h at t=0 in the 10-20 system.",
        "No number at all.",
    ],
)
def test_numbers_of_the_facts_pass(text: str) -> None:
    assert unknown_numbers(text, KNOWN) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("Sensitivity is 71 %.", ["71 %"]),
        ("Sensitivity is 61.4 %.", ["61.4 %"]),
        ("61 windows", ["61"]),  # a share is no count
        ("1195 %", ["1195 %"]),
        ("AUROC 0.96", ["0.96"]),
        ("100 % of them", ["100 %"]),  # 99.63 % is not all
        ("AUROC 1.0", ["1.0"]),
        ("0 %", ["0 %"]),
        ("+2.48", ["+2.48"]),
        ("about 1,200 windows", ["1,200"]),
        ("seventeen patients", ["seventeen"]),
        ("half of them", ["half"]),
        ("the person chb21", ["chb21"]),
        ("1e3 events", ["1e3"]),
        ("ten to 3.5", ["ten", "3.5"]),
        ("1 detection", ["1"]),  # a flag is no number
    ],
)
def test_other_numbers_are_named(text: str, unknown: list[str]) -> None:
    assert sorted(unknown_numbers(text, KNOWN)) == sorted(unknown)
