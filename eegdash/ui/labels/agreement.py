"""How far readers agree, in figures and in words."""

from __future__ import annotations

import math

import streamlit as st

from eegdash.labels.agreement import Confusion, Interval
from eegdash.ui import cache
from eegdash.ui.choices import chosen_model
from eegdash.ui.labels import charts
from eegdash.ui.labels.words import count
from eegdash.ui.session import labels_view
from eegdash.ui.text import duration, plain
from eegdash.workflows import agreement, readers
from eegdash.workflows.agreement import (
    AgreementReport,
    GroupAgreement,
    PairAgreement,
    SelfAgreement,
)
from eegdash.workflows.readers import Reader

_CHART = {"displayModeBar": False}
# Landis and Koch, Biometrics 1977;33:159-174, doi:10.2307/2529310
_WORDS = ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair"))
EXPLAINED = """
- **Epochs**: every second that both have read is compared: seizure or no seizure. What a reader
  called unsure, or has not had on screen, is left out.
- **Cohen's kappa** (two readers) and **Fleiss' kappa** (all): agreement beyond what chance alone
  would give. 1 is complete agreement, 0 is chance. Seizures are rare, so a few seconds more or
  less move kappa a lot.
- **Gwet's AC1**: the same question, with a notion of chance that is not thrown off by rare
  seizures. Where kappa is low and AC1 high, both mostly agree that there is none.
- **Seizures (events)**: of all seizures that either marked, the share that the other marked, too;
  any overlap counts. This is what a clinician usually means by agreeing.
- **In brackets** the 95 % interval: recordings are drawn at random again and again. With few
  recordings it is wide; with one, or where all are alike, it is undefined (n/a).
- For comparison: thirty experts agreed on ictal-interictal patterns pairwise in 52 % (kappa 0.42;
  Jing et al., Neurology 2023, doi:10.1212/WNL.0000000000201670).
"""


def draw(reader: Reader) -> None:
    """Draw the agreement over what this reader may see."""
    names = readers.known_readers(cache.desk())
    left, middle, right = st.columns([3, 1.6, 1.9], vertical_alignment="bottom")
    chosen = left.multiselect(
        "Readers",
        names,
        key="agreement-readers",
        placeholder="all readers",
        persist_state="session",
    )
    blinded = middle.toggle(
        "Blinded first reads only",
        key="agreement-blinded",
        help="Only what was said before the detector's output was on the reader's screen.",
    )
    whole = right.toggle(
        "A sign-off speaks for all of it",
        key="agreement-whole",
        help="A first read or sign-off states the whole recording, also what was not on screen.",
    )
    report = _report(reader, tuple(chosen), blinded, whole)
    if not report.pairs and not report.with_detector and not report.repeats:
        _nothing(report)
        return
    for note in report.notes:
        st.caption(f":material/info: {plain(note)}")
    if report.group is not None:
        _group(report.group)
    _pairs(report)
    _repeats(report.repeats)
    with st.expander("What these figures mean", icon=":material/help:"):
        st.markdown(EXPLAINED)


def _report(reader: Reader, chosen: tuple[str, ...], blinded: bool, whole: bool) -> AgreementReport:
    """Return the report; computed again only when a label or a choice is another one."""
    desk, view = cache.desk(), labels_view()
    model = chosen_model(desk.models())
    point = model and (model.sha256, model.threshold_pm)
    asked = (reader, chosen, blinded, whole, point, cache.desk().labels.mark())
    if view.report is None or view.report[0] != asked:
        with st.spinner("Comparing the readers …"):
            found = agreement.agreement(
                desk,
                reader,
                model,
                readers=chosen or None,
                blinded_only=blinded,
                whole_after_sign_off=whole,
            )
        view.report = (asked, found)
    return view.report[1]


def _nothing(report: AgreementReport) -> None:
    st.info(
        "There is nothing to compare yet. Agreement needs two readers who have read the same "
        "recording and labelled it or signed it off, or one reader and a scored recording. "
        "**Readers** assigns recordings; **Next to review** shows what waits."
    )
    for note in report.notes:
        st.caption(plain(note))


def _group(group: GroupAgreement) -> None:
    st.markdown(
        f"**All {len(group.readers)} readers together** agree "
        f"{_how_far(group.fleiss.value)}: Fleiss' kappa **{_figure(group.fleiss)}**, Gwet's AC1 "
        f"**{_figure(group.ac1)}**, over {duration(group.compared_s)} of EEG "
        f"({round(group.compared_s):,} epochs of 1 s) in "
        f"{count(group.n_recordings, 'recording')} that two or more of them read."
    )


def _how_far(kappa: float) -> str:
    if not math.isfinite(kappa):
        return "to an extent that cannot be stated"
    word = next((w for limit, w in _WORDS if kappa > limit), "slight" if kappa > 0 else "")
    return f"to a degree called {word}" if word else "no better than chance"


def _figure(interval: Interval) -> str:
    if not math.isfinite(interval.value):
        return "n/a"
    if not math.isfinite(interval.low) or not math.isfinite(interval.high):
        return f"{interval.value:.2f} (interval n/a)"
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _pairs(report: AgreementReport) -> None:
    every = [*report.pairs, *report.with_detector]
    if not every:
        return
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        st.plotly_chart(
            charts.agreement(every),
            key="agreement-chart",
            config=_CHART,
            alt="Agreement of every pair with its 95 % interval; the table below says the same",
        )
    with right, st.container(border=True):
        _confusion_of_pair(every, report)
    _table(every)


def _table(pairs: list[PairAgreement]) -> None:
    st.dataframe(
        {
            "One": [p.one for p in pairs],
            "Other": [p.other for p in pairs],
            "Cohen's kappa (95 %)": [_figure(p.kappa) for p in pairs],
            "Gwet's AC1 (95 %)": [_figure(p.ac1) for p in pairs],
            "Seizures (95 %)": [_figure(p.events) for p in pairs],
            "Shared": [
                f"{p.n_matched_one} of {p.n_events_one}, {p.n_matched_other} of {p.n_events_other}"
                for p in pairs
            ],
            "Recordings": [p.n_recordings for p in pairs],
            "Epochs of 1 s": [round(p.compared_s) for p in pairs],
        },
        column_config={
            "Shared": st.column_config.TextColumn(
                "Seizures shared",
                help="Of the first one's seizures, how many the other marked, too; then the other "
                "way round.",
            ),
            "Epochs of 1 s": st.column_config.NumberColumn(format="localized"),
        },
        hide_index=True,
        height=min(38 + 35 * len(pairs), 300),
        alt="Agreement of every pair",
    )


def _confusion_of_pair(pairs: list[PairAgreement], report: AgreementReport) -> None:
    at = st.selectbox(
        "What two of them said, second by second",
        range(len(pairs)),
        format_func=lambda i: f"{pairs[i].one} / {pairs[i].other}",
        key="agreement-pair",
    )
    pair = pairs[min(at or 0, len(pairs) - 1)]
    _confusion(pair.confusion, pair.one, pair.other)
    if pair in report.with_detector and report.threshold_pm is not None:
        st.caption(
            f"The detector is {plain(report.model)} at threshold "
            f"{report.threshold_pm / 1000:.2f}, its operating point."
        )


def _confusion(found: Confusion, one: str, other: str) -> None:
    head = "".join(f" {plain(other)}: {plain(c)} |" for c in found.categories)
    rule = "|---|" + "---:|" * len(found.categories)
    rows = [
        f"| {plain(one)}: **{plain(c)}** |" + "".join(f" {n:,} |" for n in found.counts[i].tolist())
        for i, c in enumerate(found.categories)
    ]
    st.markdown("\n".join([f"| |{head}", rule, *rows]))
    total = int(found.counts.sum())
    same = int(found.counts.trace())
    share = f"{100 * same / total:.1f} %" if total else "n/a"
    st.caption(f"In {plain(found.unit)}; the same in {same:,} of {total:,} ({share}).")


def _repeats(found: tuple[SelfAgreement, ...]) -> None:
    if not found:
        st.caption(
            "Agreement of readers with themselves needs hidden repeats; an adjudicator sets their "
            "share in the part **Readers**."
        )
        return
    st.markdown("**Readers with themselves**, on hidden repeats")
    for i, one in enumerate(found):
        with st.container(border=True):
            left, right = st.columns([1, 1.2], vertical_alignment="center")
            left.markdown(
                f"**{plain(one.reader)}** said the same in {_figure(one.same)} of "
                f"{count(one.n_repeats, 'repeat')}  \nCohen's kappa {_figure(one.kappa)}, "
                f"Gwet's AC1 {_figure(one.ac1)}"
            )
            with right.expander("First and second statement", key=f"repeat-{i}"):
                _confusion(one.confusion, "first", "then")
