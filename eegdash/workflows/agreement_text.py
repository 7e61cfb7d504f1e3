"""Agreement of readers as text for the command line."""

from __future__ import annotations

import math

from eegdash.labels.agreement import Confusion, Interval
from eegdash.workflows.agreement import AgreementReport, PairAgreement, SelfAgreement


def as_text(report: AgreementReport) -> str:
    """Return the report as plain lines; undefined values are "n/a"."""
    what = "blinded first reads" if report.blinded_only else "all standing labels"
    lines = [
        f"readers: {len(report.readers)}, recordings: {report.n_recordings}; {what}",
        "epochs of 1 s of which both said what they are; intervals: 95 %, bootstrap by recording",
    ]
    group = report.group
    if group is not None:
        lines += [
            "",
            f"all readers: {group.compared_s / 3600:.2f} h read by two or more "
            f"(recordings: {group.n_recordings})",
            f"  Fleiss' kappa {_value(group.fleiss)}   Gwet's AC1 {_value(group.ac1)}",
        ]
    for pair in (*report.pairs, *report.with_detector):
        lines += ["", *_pair(pair)]
    for one in report.repeats:
        lines += ["", *_oneself(one)]
    return "\n".join([*lines, *([""] if report.notes else []), *report.notes])


def _pair(pair: PairAgreement) -> list[str]:
    return [
        f"{_single(pair.one)} and {_single(pair.other)}: {pair.compared_s / 3600:.2f} h "
        f"(recordings: {pair.n_recordings})",
        f"  Cohen's kappa {_value(pair.kappa)}   Gwet's AC1 {_value(pair.ac1)}",
        f"  events: {pair.n_matched_one} of {pair.n_events_one} and {pair.n_matched_other} of "
        f"{pair.n_events_other} overlap, agreement {_value(pair.events)}",
        *_confusion(pair.confusion, pair.one, pair.other),
    ]


def _oneself(one: SelfAgreement) -> list[str]:
    return [
        f"{_single(one.reader)} with the own first statement, spans shown twice: {one.n_repeats}",
        f"  the same {_value(one.same)}   Cohen's kappa {_value(one.kappa)}",
        *_confusion(one.confusion, "first", "second"),
    ]


def _confusion(confusion: Confusion, one: str, other: str) -> list[str]:
    width = max(len(x) for x in confusion.categories) + 2
    head = "".join(f"{x:>{width}}" for x in confusion.categories)
    lines = [
        f"  {confusion.unit}; rows {_single(one)}, columns {_single(other)}",
        f"  {'':12}{head}",
    ]
    for name, row in zip(confusion.categories, confusion.counts.tolist(), strict=True):
        lines.append(f"  {name:12}" + "".join(f"{n:>{width}d}" for n in row))
    return lines


def _value(found: Interval) -> str:
    if math.isnan(found.value):
        return "n/a"
    if math.isnan(found.low):
        return f"{found.value:.2f} (no interval)"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _single(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
