"""From windows to probabilities to events.

Probability is an integer per mille (uint16), so that the browser and Python apply the same
arithmetic and give identical events. The grid is regular over the whole recording, gaps
included: window ``i`` is centred at ``first_centre_s + i * step_s`` and a positive window marks
its centre +- ``step_s / 2``. Windows that could not be scored carry :data:`UNSCORED`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from math import lcm
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from eegdash.errors import TooShortError
from eegdash.montage import MONTAGES, MontageMatrix, resolve
from eegdash.networks.threads import one_thread
from eegdash.recording import Recording

if TYPE_CHECKING:  # importing a detector costs time that thresholding a stored trace need not pay
    from eegdash.checkpoints import Detector, DetectorConfig

UNSCORED = 65535
"""Per-mille value of a window without a probability (gap, unusable channels)."""


@dataclass(frozen=True, slots=True)
class PostProcessing:
    """Parameters that turn a trace and a threshold into events, applied in this order.

    Parameters
    ----------
    smoothing_s : float
        Length of the centred moving mean, s; 0 is off.
    hysteresis : float
        Lower threshold as a fraction of the upper; 1 is off.
    merge_gap_s : float
        Gaps shorter than this are closed, s.
    min_duration_s : float
        Events shorter than this are dropped, s.
    """

    smoothing_s: float = 4.5
    hysteresis: float = 1.0
    merge_gap_s: float = 3.0
    min_duration_s: float = 6.0

    def as_dict(self) -> dict[str, float]:
        """Return the parameters by name, as they are saved with every result."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Event:
    """A detection: a span in which the smoothed probability stayed above the threshold.

    ``first`` and ``stop`` are window indices (half open); ``peak_pm`` is the highest smoothed
    probability inside, per mille.
    """

    onset_s: float
    duration_s: float
    peak_pm: int
    first: int
    stop: int

    @property
    def end_s(self) -> float:
        """End of the event, s."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True, slots=True)
class ProbabilityTrace:
    """Seizure probability of every window of one recording by one model.

    Parameters
    ----------
    probability_pm : ndarray of uint16, shape (n_windows,)
        Per mille, or :data:`UNSCORED`.
    first_centre_s, step_s : float
        Grid of the window centres, s from the start of the file.
    duration_s : float
        Length of the recording, s.
    model, model_sha256, recording_sha256 : str
        Provenance. An imported external detector has a model name and the hash of its file.
    background : tuple of float
        What the detector took for the background of the recording; empty where it knows none.
    """

    probability_pm: NDArray[np.uint16]
    first_centre_s: float
    step_s: float
    duration_s: float
    model: str
    model_sha256: str
    recording_sha256: str
    background: tuple[float, ...] = ()

    @property
    def n_windows(self) -> int:
        """Number of windows on the grid."""
        return len(self.probability_pm)

    @property
    def time_s(self) -> NDArray[np.float64]:
        """Window centres, s from the start of the file."""
        centres = self.first_centre_s + self.step_s * np.arange(self.n_windows)
        return np.asarray(centres, dtype=np.float64)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which windows carry a probability."""
        return np.asarray(self.probability_pm != UNSCORED)

    @property
    def scored_s(self) -> float:
        """Length of what was scored: a window stands for one step, s."""
        return float(self.scored.sum()) * self.step_s


def smooth(probability_pm: NDArray[np.uint16], n_windows: int) -> NDArray[np.int64]:
    """Centred moving mean over scored neighbours, in integers, rounded half up.

    Parameters
    ----------
    probability_pm : ndarray of uint16, shape (n,)
    n_windows : int
        Length of the mean in windows; an even length is rounded up to the next odd one.

    Returns
    -------
    ndarray of int64, shape (n,)
        Per mille; -1 where the window itself is unscored. A mean never reaches across an
        unscored window.
    """
    scored = probability_pm != UNSCORED
    values = np.where(scored, probability_pm, 0).astype(np.int64)
    half = max(n_windows, 1) // 2
    n = len(values)
    index = np.arange(n)
    # the run of scored windows that each window lies in: [run_start, run_stop)
    breaks = np.flatnonzero(~scored)
    position = np.searchsorted(breaks, index)
    run_start = np.where(position > 0, np.append(breaks, n)[position - 1] + 1, 0)
    run_stop = np.append(breaks, n)[position]
    lo = np.maximum(index - half, run_start)
    hi = np.minimum(index + half + 1, run_stop)
    total = np.concatenate(([0], np.cumsum(values)))
    count = np.maximum(hi - lo, 1)
    mean = (2 * (total[np.maximum(hi, lo)] - total[lo]) + count) // (2 * count)
    return np.where(scored, mean, -1)


def find_events(
    trace: ProbabilityTrace, threshold_pm: int, post: PostProcessing | None = None
) -> list[Event]:
    """Return the events of a trace at a threshold.

    The order is: smoothing, hysteresis, merging, minimum duration. Nothing reaches across an
    unscored window. Lengths are compared in whole milliseconds.

    Parameters
    ----------
    trace : ProbabilityTrace
    threshold_pm : int
        Per mille; a window at the threshold counts as seizure.
    post : PostProcessing, optional

    Returns
    -------
    list of Event, ordered by onset
    """
    post = post or PostProcessing()
    step_ms = round(trace.step_s * 1000)
    level = smooth(trace.probability_pm, round(post.smoothing_s * 1000) // step_ms)
    lower_pm = (threshold_pm * round(post.hysteresis * 1000) + 500) // 1000
    # A threshold of 0 means that every scored window is positive; -1 (unscored) never is.
    runs = [
        run
        for run in _runs(level >= max(lower_pm, 0))
        if int(level[run[0] : run[1]].max()) >= threshold_pm
    ]
    runs = _merge(runs, level >= 0, round(post.merge_gap_s * 1000), step_ms)
    min_ms = round(post.min_duration_s * 1000)
    half = trace.step_s / 2
    return [
        Event(
            onset_s=trace.first_centre_s + first * trace.step_s - half,
            duration_s=(stop - first) * trace.step_s,
            peak_pm=int(level[first:stop].max()),
            first=first,
            stop=stop,
        )
        for first, stop in runs
        if (stop - first) * step_ms >= min_ms
    ]


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _merge(
    runs: list[tuple[int, int]], scored: NDArray[np.bool_], merge_ms: int, step_ms: int
) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, stop in runs:
        if merged:
            gap = first - merged[-1][1]
            if gap * step_ms < merge_ms and bool(scored[merged[-1][1] : first].all()):
                merged[-1] = (merged[-1][0], stop)
                continue
        merged.append((first, stop))
    return merged


UNUSABLE_SHARE = 0.25
"""A segment with more than this share of flat or saturated derivations is not scored."""
_CHUNK_SEGMENTS = 160  # 4 min of signal in memory at a time
_ENCODE_BATCH = 256
PART_SEGMENTS = lcm(_CHUNK_SEGMENTS, _ENCODE_BATCH)
"""Parts that begin at multiples of this read and encode exactly what the whole recording does:
32 min."""
_HEAD_BATCH = 4096


def detect(
    recording: Recording,
    detector: Detector,
    *,
    mapping: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    chunk_segments: int = _CHUNK_SEGMENTS,
) -> ProbabilityTrace:
    """Score a recording window by window, in bounded memory.

    The recording is read once, in chunks. Each segment is encoded once; then the head runs over
    the segments i, i + 2, i + 4 of every window. The result does not depend on the chunk size:
    resampling is aligned to the recording's start, and batches to the segment's index.

    Parameters
    ----------
    recording : Recording
    detector : Detector
    mapping : mapping of str to str, optional
        Electrode or derivation for channel names that are not understood.
    progress : callable, optional
        Called with the share done, 0 to 1; what it raises (a cancelled job) stops the scoring.
    chunk_segments : int
        Segments per chunk.

    Returns
    -------
    ProbabilityTrace
        A window is :data:`UNSCORED` where a derivation has no signal (gap, NaN) in it, or where
        more than :data:`UNUSABLE_SHARE` of the derivations of one of its segments are flat or
        saturated. An unusable derivation below that share is replaced by the mean of the others.

    Raises
    ------
    MissingChannelsError
        If the recording lacks a derivation of the detector's montage.
    TooShortError
        If the recording is shorter than one window.
    """
    codes, scorable = encode_segments(
        recording, detector, mapping=mapping, progress=progress, chunk_segments=chunk_segments
    )
    trace = join_codes(recording, detector, codes, scorable)
    if progress is not None:
        progress(1.0)
    return trace


def encode_segments(
    recording: Recording,
    detector: Detector,
    first: int = 0,
    stop: int | None = None,
    *,
    mapping: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    chunk_segments: int = _CHUNK_SEGMENTS,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the codes of the segments ``first:stop``, bit for bit those of the whole recording.

    A network may give a segment other last bits in a batch of another length, or on another
    number of cores. So whole batches are encoded, as they lie over the whole recording, on one
    core each, and what was not asked for is cut off.

    Parameters
    ----------
    recording : Recording
    detector : Detector
    first, stop : int
        Half open; the whole recording by default. Nothing is encoded twice by parts that begin at
        multiples of :data:`PART_SEGMENTS`.
    mapping, progress, chunk_segments
        As for :func:`detect`.

    Returns
    -------
    codes : ndarray of float32, shape (stop - first, dimension)
    scorable : ndarray of bool, shape (stop - first,)

    Raises
    ------
    MissingChannelsError, TooShortError
        As :func:`detect`.
    IndexError
        If the recording has no such segments.
    """
    matrix, plan, stop = _checked(recording, detector, mapping, first, stop)
    begin = first // _ENCODE_BATCH * _ENCODE_BATCH
    end = min(-(-stop // _ENCODE_BATCH) * _ENCODE_BATCH, plan.n_segments)
    encoder = _Encoder(detector, end - begin)
    scorable = np.zeros(end - begin, dtype=np.bool_)
    for low in range(begin, end, chunk_segments):
        high = min(low + chunk_segments, end)
        segments = _chunk(recording, detector, matrix, plan, low, high)
        scorable[low - begin : high - begin] = segments.scorable
        with one_thread():
            encoder.add(segments.features)
        if progress is not None:
            progress(0.98 * (high - begin) / (end - begin))
    wanted = slice(first - begin, stop - begin)
    with one_thread():
        return encoder.finish()[wanted], scorable[wanted]


def join_codes(
    recording: OnTimeLine,
    detector: Detector,
    codes: NDArray[np.float32],
    scorable: NDArray[np.bool_],
) -> ProbabilityTrace:
    """Return the trace of a recording from the codes of all its segments.

    The background is that of the whole recording: codes of parts are joined before.

    Parameters
    ----------
    recording : Recording, or its hash and duration
    detector : Detector
    codes : ndarray of float32, shape (n_segments, dimension)
    scorable : ndarray of bool, shape (n_segments,)

    Returns
    -------
    ProbabilityTrace
    """
    with one_thread():
        background = detector.background(codes[scorable])
        probability_pm = score_codes(detector, codes, scorable, background)
    trace = trace_on_grid(probability_pm, recording, detector.config)
    if background is None:
        return trace
    return replace(trace, background=tuple(float(level) for level in background))


class OnTimeLine(Protocol):
    """What a trace needs to know of its recording."""

    @property
    def sha256(self) -> str:
        """Hash of the recording."""
        ...

    @property
    def duration_s(self) -> float:
        """Length, s, gaps included."""
        ...


def trace_on_grid(
    probability_pm: NDArray[np.uint16], recording: OnTimeLine, config: DetectorConfig
) -> ProbabilityTrace:
    """Return what a detector gave for every window of a recording, on its grid."""
    return ProbabilityTrace(
        probability_pm=probability_pm,
        first_centre_s=config.window_s / 2,
        step_s=config.step_s,
        duration_s=recording.duration_s,
        model=config.name,
        model_sha256=config.sha256,
        recording_sha256=recording.sha256,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """What the network reads of consecutive segments.

    Parameters
    ----------
    features : ndarray of float32, shape (n_segments, *input_shape)
    usable : ndarray of bool, shape (n_segments, n_channels)
        Derivations that are neither flat nor saturated; the others were filled.
    scorable : ndarray of bool, shape (n_segments,)
    """

    features: NDArray[np.float32]
    usable: NDArray[np.bool_]
    scorable: NDArray[np.bool_]


def read_segments(
    recording: Recording,
    detector: Detector,
    first: int,
    stop: int,
    *,
    mapping: Mapping[str, str] | None = None,
) -> Segments:
    """Return the segments ``first:stop`` as :func:`detect` sees them, sample for sample.

    Window ``i`` is made of the segments i, i + 2 and i + 4.

    Raises
    ------
    MissingChannelsError, TooShortError
        As :func:`detect`.
    IndexError
        If the recording has no such segments.
    """
    matrix, plan, stop = _checked(recording, detector, mapping, first, stop)
    return _chunk(recording, detector, matrix, plan, first, stop)


def _checked(
    recording: Recording,
    detector: Detector,
    mapping: Mapping[str, str] | None,
    first: int,
    stop: int | None,
) -> tuple[MontageMatrix, _Plan, int]:
    """Return how segments are read, and where they stop, or say that there are no such ones."""
    matrix = resolve(recording, MONTAGES[detector.config.montage], mapping=mapping)
    plan = _Plan.of(recording, detector.config)
    stop = plan.n_segments if stop is None else stop
    if not 0 <= first < stop <= plan.n_segments:
        raise IndexError(f"segments {first} to {stop} of {plan.n_segments}")
    return matrix, plan, stop


def segment_count(recording: Recording, config: DetectorConfig) -> int:
    """Return how many segments a recording has; it has 4 windows less.

    Raises
    ------
    TooShortError
        If it is shorter than one window.
    """
    return _Plan.of(recording, config).n_segments


@dataclass(frozen=True, slots=True)
class _Plan:
    """The grid of segments over one recording, and the ratio of the rates."""

    up: int
    down: int
    support: int
    step: int
    length: int
    n_segments: int

    @classmethod
    def of(cls, recording: Recording, config: DetectorConfig) -> _Plan:
        from eegdash.preprocessing import resample_ratio

        ratio = resample_ratio(recording.sfreq, config.sfreq)
        step = round(config.step_s * config.sfreq)
        length = round(config.segment_s * config.sfreq)
        n_out = recording.n_samples * ratio.up // ratio.down
        n_segments = (n_out - length) // step + 1
        if n_segments < 5:
            raise TooShortError(
                f"{recording.path.name} is {recording.duration_s:.1f} s long; one window of the "
                f"detector needs {config.window_s:g} s. Choose a longer recording."
            )
        return cls(ratio.up, ratio.down, ratio.support, step, length, n_segments)


class SegmentReader:
    """Reads the derivations of any segments of a recording, as :func:`detect` reads them.

    Parameters
    ----------
    recording : Recording
    detector : Detector
    mapping : mapping of str to str, optional
        Electrode or derivation for channel names that are not understood.

    Raises
    ------
    MissingChannelsError
        If the recording lacks a derivation of the detector's montage.
    TooShortError
        If the recording is shorter than one window.
    """

    def __init__(
        self,
        recording: Recording,
        detector: Detector,
        *,
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        self._recording, self._config = recording, detector.config
        self._matrix = resolve(recording, MONTAGES[detector.config.montage], mapping=mapping)
        self._plan = _Plan.of(recording, detector.config)

    @property
    def n_segments(self) -> int:
        """Number of segments of the recording; there are 4 windows fewer."""
        return self._plan.n_segments

    def read(
        self, first: int, stop: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what the detector sees of the segments ``first:stop``.

        Returns
        -------
        block_uv : ndarray of float32, shape (n_channels, n_samples)
            Derivations at the detector's rate, uV, from the start of segment ``first``.
        usable : ndarray of bool, shape (n_segments, n_channels)
            Neither flat nor saturated.
        scorable : ndarray of bool, shape (n_segments,)
        """
        return _block(self._recording, self._config, self._matrix, self._plan, first, stop)


def _chunk(
    recording: Recording,
    detector: Detector,
    matrix: MontageMatrix,
    plan: _Plan,
    first: int,
    stop: int,
) -> Segments:
    """Return the segments ``first:stop``."""
    block_uv, usable, scorable = _block(recording, detector.config, matrix, plan, first, stop)
    return Segments(detector.features(block_uv, usable=usable), usable, scorable)


def _block(
    recording: Recording,
    config: DetectorConfig,
    matrix: MontageMatrix,
    plan: _Plan,
    first: int,
    stop: int,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    from eegdash.preprocessing import resample_uv

    out_first, out_stop = first * plan.step, (stop - 1) * plan.step + plan.length
    # The chunk starts where input and output samples coincide, with room for the filter and for
    # the values it holds around gaps: so its samples are those of any other chunking.
    room = 2 * plan.support
    period = max(out_first // plan.up - -(-room // plan.down), 0)
    read_first = period * plan.down
    read_stop = min(-(-out_stop * plan.down // plan.up) + room + 1, recording.n_samples)
    signal_uv = recording.read(read_first, read_stop, matrix.picks)
    derived_uv = matrix.apply(signal_uv)
    starts = np.round(np.arange(first, stop) * plan.step * plan.down / plan.up).astype(np.int64)
    usable, complete = _usable(
        signal_uv, derived_uv, matrix, starts - read_first, plan.length * plan.down // plan.up
    )
    skip = out_first - period * plan.up
    block_uv = resample_uv(derived_uv, recording.sfreq, config.sfreq)
    block_uv = block_uv[:, skip : skip + out_stop - out_first]
    scorable = complete & ((~usable).mean(axis=1) <= UNUSABLE_SHARE)
    return np.nan_to_num(block_uv), usable, np.asarray(scorable)


def _usable(
    signal_uv: NDArray[np.float32],
    derived_uv: NDArray[np.float32],
    matrix: MontageMatrix,
    starts: NDArray[np.int64],
    length: int,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return usable derivations (n_segments, n_derivations) and complete segments (n_segments,).

    Channels are judged as recorded too: the difference of a live and a dead electrode looks alive.
    """
    from eegdash.preprocessing import channel_quality

    def judge(values: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        views = np.lib.stride_tricks.sliding_window_view(values, length, axis=1)
        quality = channel_quality(views[:, starts])
        return quality.flat | quality.saturated, quality.nan

    bad_channel, nan_channel = judge(signal_uv)
    bad_derivation, _ = judge(derived_uv)
    uses = (matrix.weights != 0).astype(np.int64)
    bad = bad_derivation | (uses @ bad_channel.astype(np.int64) > 0)
    return np.asarray(~bad.T), np.asarray(~nan_channel.any(axis=0))


class _Encoder:
    """Encodes segments in batches that are aligned to the segment's index.

    The codes go into one array made at the start: thousands of small ones, kept between large
    ones that are freed, were seen to scatter the heap to four times the memory in use.
    """

    def __init__(self, detector: Detector, n_segments: int) -> None:
        self._detector = detector
        self._n_segments = n_segments
        self._pending: NDArray[np.float32] | None = None
        self._codes: NDArray[np.float32] | None = None
        self._done = 0

    def add(self, features: NDArray[np.float32]) -> None:
        """Take the features of the next segments, and encode what fills whole batches."""
        if self._pending is not None and len(self._pending):
            features = np.concatenate([self._pending, features])
        whole = len(features) // _ENCODE_BATCH * _ENCODE_BATCH
        for first in range(0, whole, _ENCODE_BATCH):
            self._encode(features[first : first + _ENCODE_BATCH])
        self._pending = features[whole:].copy()

    def finish(self) -> NDArray[np.float32]:
        """Encode the rest and return all codes (n_segments, dimension)."""
        if self._pending is not None and len(self._pending):
            self._encode(self._pending)
        self._pending = None
        if self._codes is None:
            raise ValueError("no segment was added")
        return self._codes

    def _encode(self, features: NDArray[np.float32]) -> None:
        batch = self._detector.encode(features)
        if self._codes is None:
            self._codes = np.empty((self._n_segments, batch.shape[1]), dtype=np.float32)
        self._codes[self._done : self._done + len(batch)] = batch
        self._done += len(batch)


def score_codes(
    detector: Detector,
    codes: NDArray[np.float32],
    scorable: NDArray[np.bool_],
    background: NDArray[np.float32] | None = None,
) -> NDArray[np.uint16]:
    """Return per mille (n - 4,) of the windows over the codes (n, dimension) of segments.

    The background is that of the recording, as for ``Detector.head``. A window is
    :data:`UNSCORED` where one of its segments is not scorable.
    """
    n_windows = len(codes) - 4
    probability_pm = np.full(n_windows, UNSCORED, dtype=np.uint16)
    for first in range(0, n_windows, _HEAD_BATCH):
        stop = min(first + _HEAD_BATCH, n_windows)
        triples = np.stack([codes[first + k : stop + k] for k in (0, 2, 4)], axis=1)
        probability = detector.probability(detector.head(triples, background))
        probability_pm[first:stop] = np.floor(1000 * probability + 0.5)
    usable = scorable[:-4] & scorable[2:-2] & scorable[4:]
    probability_pm[~usable] = UNSCORED
    return probability_pm
