"""The review viewer: one component that holds everything that shares the time axis.

Python sends facts and addresses, hears decisions (page settled, threshold released, label set),
and never a picture.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import ProbabilityTrace
from eegdash.plotting import spectrogram_tiles as spectrograms
from eegdash.plotting import tiles as drawn
from eegdash.plotting import trend_tiles as trends
from eegdash.plotting.pyramid import LEVELS, TILE_COLUMNS
from eegdash.ui import cache
from eegdash.ui.scripts import component
from eegdash.ui.security import TOKEN_AGE_S, sign
from eegdash.ui.session import View, session
from eegdash.workflows import display, library, reading, review, score
from eegdash.workflows.label_view import shown_labels
from eegdash.workflows.undo import undo_words

_KEPT_ANSWERS = 50
VIEW, OPERATING, DECISIONS, READER = "view", "operating", "decisions", "reader"
EXPLAIN = "explain"
_component = component("eeg_review_viewer", "viewer/viewer.js")


def mount(
    *,
    key: str,
    data: dict[str, Any],
    on_view: Callable[[], None],
    on_operating: Callable[[], None],
    on_decisions: Callable[[], None],
    on_reader: Callable[[], None],
    on_explain: Callable[[], None],
) -> None:
    """Draw the viewer; the callbacks read its values by ``key``."""
    _component(
        key=key,
        data=data,
        default={VIEW: None, OPERATING: None, DECISIONS: None, READER: None},
        on_view_change=on_view,
        on_operating_change=on_operating,
        on_decisions_change=on_decisions,
        on_reader_change=on_reader,
        on_explain_change=on_explain,
    )


def viewer_data(
    opened: library.Opened,
    model: CheckpointInfo | None,
    trace: ProbabilityTrace | None,
    view: View,
    not_scored: str,
    *,
    blind: bool,
) -> dict[str, Any]:
    """Return what the viewer needs to know: small facts, and addresses for the rest.

    For a blinded reader nothing is among them that the detector, the reference, the file's notes
    or another reader says, and the addresses do not open it.
    """
    recording = opened.recording
    reference = None if blind else opened.reference
    trace = None if blind else trace
    mark = content_mark(replace(opened, reference=reference))
    base = f"/tiles/{token_of(recording.sha256, blind=blind)}"
    desk = cache.desk()
    reviewer = session().reviewer
    link = session().link
    return {
        "blinded": blind,
        "shown_before": view.output_shown,
        "first_read": not blind and _has_first_read(recording.sha256, reviewer),
        "sign_offs": reading.sign_offs(desk, recording.sha256, reviewer, own_only=blind),
        "undo": undo_words(desk, recording.sha256, reviewer),
        "recording": {
            "alias": recording.alias,
            "sha256": recording.sha256,
            "duration_s": recording.duration_s,
            "sfreq": recording.sfreq,
            "start_of_day_s": library.start_of_day_s(recording.start),
            "gaps": [list(gap) for gap in recording.gaps],
            "montages": [
                asdict(choice) for choice in drawn.montage_choices(recording, opened.mapping)
            ],
        },
        "base": base,
        "mark": mark,
        "channels": {
            "labels": list(drawn.channel_labels(recording, opened.mapping)),
            "bad": view.bad,
            "hidden": view.hidden,
        },
        "notes": None
        if blind
        else {"address": f"{base}/notes/{mark}", "n": len(recording.annotations)},
        "raw": {
            "tile_s": list(drawn.RAW_TILE_S),
            "bin_samples": [drawn.bin_samples(recording.sfreq, level) for level in (0, 1)],
        },
        "spectrogram": _spectrogram_facts(opened),
        "trends": _trend_facts(opened),
        "reference": None
        if reference is None
        else {
            "source": reference.source,
            "seizures": [[a.onset_s, a.end_s] for a in reference.seizures],
            "coverage": [list(span) for span in reference.coverage],
        },
        "trace": None
        if trace is None or model is None
        else trace_facts(trace, model, view, base, mark),
        "not_scored": not_scored,
        "reviewer": reviewer,
        "labels": shown_labels(desk, recording.sha256, reviewer, trace, own_only=blind),
        "acked": view.acked[-_KEPT_ANSWERS:],
        "rejected": view.rejected,
        "viewed": view.viewed,
        "seek": {
            "n": view.seek,
            "start_s": view.start_s,
            "page_s": link.page_s if link and link.recording_sha256 == recording.sha256 else None,
        },
        "vocabulary": {
            "event_types": [list(pair) for pair in review.EVENT_TYPES],
            "reasons": list(review.REASONS),
        },
    }


def trace_facts(
    trace: ProbabilityTrace, model: CheckpointInfo, view: View, base: str, mark: str
) -> dict[str, Any]:
    """Return what is needed to show a trace: its address, its grid, the operating point."""
    chosen = view.chosen.get(trace.model_sha256)
    locked_post = score.post_of(model).as_dict()
    return {
        "address": f"{base}/trace/{trace.model_sha256}/{mark}",
        "model": model.title or model.name,
        "model_sha256": trace.model_sha256,
        "first_centre_s": trace.first_centre_s,
        "step_s": trace.step_s,
        # a window reaches from the start of the file to as far again behind its centre
        "window_s": 2 * trace.first_centre_s,
        "threshold_pm": chosen.threshold_pm if chosen else model.threshold_pm,
        "locked_threshold_pm": model.threshold_pm,
        "locked_post": locked_post,
        "post": chosen.post if chosen else locked_post,
    }


def _spectrogram_facts(opened: library.Opened) -> dict[str, Any] | None:
    recording = opened.recording
    panels = spectrograms.spectrogram_panels(recording, opened.mapping)
    grid = spectrograms.spectrogram_grid(recording)
    if not panels or grid.n_bins == 0:
        return None
    pairs = trends.asymmetry_pairs(panels)
    return {
        "key": display.display_key(opened, trends.SPECTROGRAM),
        "panels": [
            {"name": panel.name, "title": panel.title, "channels": list(panel.matrix.picks)}
            for panel in panels
        ],
        "most_chosen": spectrograms.MOST_PANELS,
        "columns": grid.n_columns,
        "bin_hz": grid.bin_hz,
        "step_s": spectrograms.STEP_S,
        "window_s": spectrograms.WINDOW_S,
        "levels": LEVELS,
        "tile": TILE_COLUMNS,
        "db_low": spectrograms.DB_LOW,
        "db_high": spectrograms.DB_HIGH,
        "asymmetry": {"pairs": pairs, "why": "" if pairs else trends.NO_MIRROR},
    }


def _trend_facts(opened: library.Opened) -> dict[str, Any]:
    """Return per trend what it is made of and where its tiles are, or why there is none."""
    found = {}
    for kind, trend in (
        (trends.AEEG, trends.aeeg_trend(opened.recording, opened.mapping)),
        (trends.RHYTHMICITY, trends.rhythm_trend(opened.recording, opened.mapping)),
    ):
        found[kind] = {
            "key": display.display_key(opened, kind),
            "strips": [
                {"side": strip.side, "title": strip.title, "channels": list(strip.matrix.picks)}
                for strip in trend.strips
            ],
            "why": trend.why,
            "columns": trend.grid.n_columns,
            "bins": trend.grid.n_bins,
            "bin_hz": trend.grid.bin_hz,
            "step_s": trend.step_s,
            "levels": LEVELS,
            "tile": TILE_COLUMNS,
        }
    found[trends.RHYTHMICITY]["count_db"] = trends.RHYTHM_STEP_DB
    return found


def content_mark(opened: library.Opened) -> str:
    """Return what, besides the bytes of the recording, decides what a tile shows."""
    reference = opened.reference
    spans = [(a.onset_s, a.end_s, a.event_type) for a in reference.annotations] if reference else []
    coverage = reference.coverage if reference else ()
    text = repr((library.mapping_key(opened.mapping), spans, coverage))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _has_first_read(recording_sha256: str, reviewer: str) -> bool:
    found = reading.first_read(cache.desk(), recording_sha256, reviewer) if reviewer else None
    return found is not None


def token_of(recording_sha256: str, *, blind: bool) -> str:
    """Return this session's token; the same for hours, so that addresses stay cached."""
    tokens = session().tokens
    minted, token = tokens.get((recording_sha256, blind), (0.0, ""))
    if time.time() - minted > TOKEN_AGE_S / 2:
        token = sign(cache.desk().workspace.signing_key(), recording_sha256, blind=blind)
        tokens[recording_sha256, blind] = (time.time(), token)
    return token
