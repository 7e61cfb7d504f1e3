"""Facts of a small report, as the workflows assemble them, for tests of what is made of them."""

from __future__ import annotations

from typing import Any


def share(value: float | None, low: float | None, high: float | None, n: int) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n, "n_effective": n / 6}


def facts(**changes: Any) -> dict[str, Any]:
    """Return facts of a detector that is neither perfect nor suspect; ``changes`` replace parts."""
    some = share(0.752, 0.613, 0.864, 96)
    found: dict[str, Any] = {
        "kind": "recording",
        "subject": {"name": "rec-0123abcd", "person": None, "n_recordings": 1},
        "detector": {"title": "Spectrogram CNN-LSTM"},
        "operating_point": {"threshold": 0.36, "origin": "the one that came.", "best": []},
        "balance": {
            "scored_min": 29.9, "covered_min": 30.0, "n_windows": 1195, "n_seizure": 96,
            "n_free": 1099,
            "seizure_share": 0.0803, "n_failed": 0, "n_detections": 4,
        },
        "metrics": {
            "covered_h": 0.5,
            "windows": dict.fromkeys(
                ("accuracy", "sensitivity", "specificity", "f1", "weighted_f1"), some
            ),
            "events": {
                "tp": 2, "fp": 2, "fn": 1, "n_ref": 3,
                "sensitivity": share(0.6667, 0.094, 0.992, 3),
                "precision": share(0.5, 0.068, 0.932, 4), "f1": share(0.571, 0.1, 0.9, 5),
                "fp_per_24h": {"value": 96.0, "low": 11.6, "high": 346.8},
            },
            "auroc": {"value": 0.951, "low": None, "high": None},
            "baselines": [{"name": "root mean square", "auroc": 0.88}],
        },
        "warnings": [],
        "alarm": {
            "raised": False, "problem": "", "n_seizure": 6, "n_other": 6,
            "signs": [{"name": "same profile", "raised": False, "evidence": "r = 0.41"}],
            "top_seizure": {"band": "theta (4-8 Hz)", "region": "LL",
                            "region_title": "left lateral", "share": 0.312},
            "top_other": {"band": "beta (13-30 Hz)", "region": "RP",
                          "region_title": "right parasagittal", "share": 0.211},
        },
        "faithfulness": {"n_maps": 18, "n_insertion": 15, "n_deletion": 9, "n_survive": 3},
        "examples": [],
        "reviews": {
            "withheld": "", "n_labels": 0, "n_readers": 0, "verdicts": {}, "agreement": None,
            "disagreements": [],
        },
        "inside": None,
    }  # fmt: skip
    return {**found, **changes}


def planted() -> dict[str, Any]:
    """Return facts of a detector with the same profile for both classes."""
    place = {"band": "theta (4-8 Hz)", "region": "LL", "region_title": "left lateral"}
    alarm = facts()["alarm"]
    evidence = "The profiles of both classes correlate with r = 0.97 (6 and 6 windows)."
    return facts(
        alarm={
            **alarm,
            "raised": True,
            "signs": [{"name": "same profile", "raised": True, "evidence": evidence}],
            "top_seizure": {**place, "share": 0.81},
            "top_other": {**place, "share": 0.79},
        }
    )
