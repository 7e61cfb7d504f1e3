"""State of one reader's session: ids and small values, never arrays."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:  # the tables behind it are imported when the page is first opened
    from eegdash.workflows.adjudication import Case
    from eegdash.workflows.agreement import AgreementReport
    from eegdash.workflows.labels_export import Export
    from eegdash.workflows.labels_import import Import
    from eegdash.workflows.operating_point import TriedPoints
    from eegdash.workflows.queue import QueueState

_KEY = "session"
_KEPT_REFUSALS = 20
BLINDED_COOKIE = "eeg-review-blinded"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The operating point that a reader chose for one detector: per mille, and event rules."""

    threshold_pm: int
    post: dict[str, float]


@dataclass(slots=True)
class View:
    """Where a reader is in one recording, and the operating points that were chosen there."""

    start_s: float = 0.0
    viewed: list[list[float]] = field(default_factory=list)
    # by model hash: position and channels are the reader's, whichever detector is on screen
    chosen: dict[str, Chosen] = field(default_factory=dict)
    bad: list[int] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    # the detector's output was once on this reader's screen: a later blinded read says so
    output_shown: bool = False
    acked: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    # The viewer goes to start_s when this number changes, and says with every message which one
    # it knew: what it sent before it heard of another view does not overwrite that view.
    seek: int = field(default_factory=lambda: secrets.randbelow(2**40))

    def remembered(self) -> dict[str, Any]:
        """Return what is worth keeping over a reload."""
        return {
            "start_s": self.start_s,
            "viewed": self.viewed,
            "chosen": {sha256: asdict(point) for sha256, point in self.chosen.items()},
            "bad": self.bad,
            "hidden": self.hidden,
            "output_shown": self.output_shown,
        }

    @classmethod
    def from_remembered(cls, record: Mapping[str, Any]) -> View:
        """Return a view from :meth:`remembered`; a record that makes no sense is an empty view."""
        try:
            return cls(
                start_s=float(record.get("start_s", 0.0)),
                viewed=[[float(a), float(b)] for a, b in record.get("viewed", [])],
                chosen={
                    str(sha256): Chosen(
                        int(point["threshold_pm"]),
                        {str(k): float(v) for k, v in point["post"].items()},
                    )
                    for sha256, point in record.get("chosen", {}).items()
                },
                bad=[int(channel) for channel in record.get("bad", [])],
                hidden=[str(row) for row in record.get("hidden", [])],
                output_shown=bool(record.get("output_shown", False)),
            )
        except (AttributeError, LookupError, TypeError, ValueError):
            return cls()

    def reject(self, decision_id: str, reason: str) -> None:
        """Remember why a decision was not saved; the newest few are told to the viewer."""
        self.rejected[decision_id] = reason
        while len(self.rejected) > _KEPT_REFUSALS:
            del self.rejected[next(iter(self.rejected))]


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a recording that an address asked for.

    Parameters
    ----------
    recording_sha256 : str
    start_s : float
        Where the page begins, s.
    page_s : float or None
        Length of the page, s; None leaves it to the reader's own setting.
    """

    recording_sha256: str
    start_s: float
    page_s: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """What a reader wants to have explained.

    Parameters
    ----------
    kind : str
        ``page``, ``event`` or ``span``.
    onset_s, end_s : float
        s from the start of the file.
    """

    kind: str
    onset_s: float
    end_s: float


@dataclass(slots=True)
class TriedView:
    """The operating points that a reader tries for one model, and the last answer to a lock.

    The component takes the points over when ``view`` changes, and says it with what it sends.
    """

    points: TriedPoints
    view: int = field(default_factory=lambda: secrets.randbelow(2**40))
    answer: dict[str, Any] | None = None


@dataclass(slots=True)
class LabelsView:
    """What the labels page remembers of one reader.

    Parameters
    ----------
    filters : dict of str to str, or None
        What is listed; None until what was kept over a reload has been asked for.
    uuid : str or None
        The label whose history is on screen.
    case : str or None
        The case that is being decided.
    answers : dict of str to (bool, str)
        What the last thing done in a form came to: whether it was done, and words.
    report, cases, export, found : tuple or None
        What was computed, behind the parameters it was computed with.
    """

    filters: dict[str, str] | None = None
    cleared: int = 0
    imports: int = 0
    uuid: str | None = None
    case: str | None = None
    answers: dict[str, tuple[bool, str]] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    report: tuple[object, AgreementReport] | None = None
    cases: tuple[object, tuple[Case, ...]] | None = None
    export: tuple[object, Export] | None = None
    found: tuple[object, tuple[Import, ...]] | None = None

    def form(self, name: str) -> str:
        """Return the id under which a form is saved: once, however often it is sent."""
        return self.forms.setdefault(name, secrets.token_hex(12))

    def answer(self, name: str, done: bool, words: str) -> None:
        """Keep what a form came to; one that was saved gets a new id."""
        self.answers[name] = (done, words)
        if done:
            self.forms.pop(name, None)


@dataclass(slots=True)
class QueueView:
    """Where a reader is in the queue of spans to review.

    Parameters
    ----------
    order : str
        Key of ``workflows.queue.ORDERS``.
    again : bool
        Also what was put aside or labelled before.
    state : QueueState or None
        As it was after the last label; None where the reader does not follow the queue.
    said : tuple of (int, str)
        Number and words of the last answer, for the viewer.
    """

    order: str = "detector"
    again: bool = False
    state: QueueState | None = None
    said: tuple[int, str] = (0, "")

    def say(self, words: str) -> None:
        """Answer the reader; the same words twice are two answers."""
        self.said = (self.said[0] + 1, words)


@dataclass(slots=True)
class Session:
    """What the pages remember of a reader.

    Parameters
    ----------
    recording_sha256 : str or None
        The recording on the review page.
    page, turning_to : str
        The page that is drawn, and the one that a callback asked for.
    model : str or None
        Name of the detector; None is the default.
    reviewer : str
        Who labels.
    role : str
        ``reader`` or ``adjudicator``.
    labels, queue : dict
        :class:`LabelsView` and :class:`QueueView` by reader.
    views : dict
        :class:`View` by reader and recording.
    tried : dict
        :class:`TriedView` by reader and model.
    blinded : bool
        The reader wants to read blinded first.
    asked : dict
        :class:`Place` by recording, for the page Attribution.
    explained : dict
        What that page showed last, by recording.
    link : Link or None
        Where the address of this tab leads, until the reader goes elsewhere.
    stale_page : bool
        What stands outside the viewer has to be drawn again.
    first_seen : dict
        By job: when its progress was first seen, s, and what it was; the time left follows.
    """

    recording_sha256: str | None = None
    model: str | None = None
    reviewer: str = ""
    role: str = "reader"
    labels: dict[str, LabelsView] = field(default_factory=dict)
    queue: dict[str, QueueView] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    tried: dict[str, TriedView] = field(default_factory=dict)
    page: str = ""
    turning_to: str = ""
    asked: dict[str, Place] = field(default_factory=dict)
    explained: dict[str, dict[str, Any]] = field(default_factory=dict)
    blinded: bool = False
    link: Link | None = None
    stale_page: bool = False
    first_seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    uploads: int = 0
    renamed: int = 0
    login_problem: str = ""
    mapping_sha256: str | None = None
    tokens: dict[tuple[str, bool], tuple[float, str]] = field(default_factory=dict)


def session() -> Session:
    """Return the session of the reader whose script runs."""
    if _KEY not in st.session_state:
        # known before the first thing is drawn, so that a reload shows nothing for a moment
        blinded = st.context.cookies.get(BLINDED_COOKIE) == "1"
        st.session_state[_KEY] = Session(blinded=blinded)
    found = st.session_state[_KEY]
    if not isinstance(found, Session):  # a hot reload replaced the class
        found = st.session_state[_KEY] = Session()
    return found


def labels_view() -> LabelsView:
    """Return what the labels page remembers of whoever reads now."""
    found = session()
    return found.labels.setdefault(found.reviewer, LabelsView())


def queue_view() -> QueueView:
    """Return where whoever reads now is in the queue."""
    found = session()
    return found.queue.setdefault(found.reviewer, QueueView())


def widget_value(key: str) -> Any:
    """Return the value of a widget or component by key, as callbacks need it."""
    return st.session_state.get(key)
