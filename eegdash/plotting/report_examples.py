"""Figures of a report about single windows: spectrogram, maps of evidence, raw traces, keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution import METHODS, Attribution, region_of
from eegdash.plotting.report_style import (
    FOR_INK,
    INK,
    LEFT_INK,
    MIDLINE_INK,
    POWER_MAP,
    QUIET,
    RIGHT_INK,
    WIDTH_IN,
    colour_bar,
    new_figure,
    plain_axes,
    png,
    signed_map,
)

Floats = NDArray[np.floating[Any]]
POWER_DB = (-20.0, 40.0)
"""Limits of the spectrogram's colours, dB re 1 uV^2/Hz, the same in every figure."""
_SEGMENTS = ("t=0", "t=1", "t=2")
_MOST_COLUMNS = 60
_LEFT, _RIGHT = 0.085, 0.905
_TOP_IN, _BOTTOM_IN, _ROW_IN = 0.22, 0.42, 1.15
_SIDE_INKS = {"L": LEFT_INK, "R": RIGHT_INK, "M": MIDLINE_INK, "a": MIDLINE_INK}
_STEPS_UV = (20, 50, 100, 150, 200, 300, 500, 1000, 2000, 5000)


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """Filtered derivations around a window.

    Parameters
    ----------
    signal_uv : ndarray of float32, shape (n_rows, n_samples)
        NaN in gaps.
    names : tuple of str
    start_s, sfreq : float
        Time of the first sample from the start of the file, s; Hz.
    window_s : tuple of float
        Begin and end of the window, s.
    seizures_s : tuple of (float, float)
        Annotated seizures, s.
    """

    signal_uv: NDArray[np.float32]
    names: tuple[str, ...]
    start_s: float
    sfreq: float
    window_s: tuple[float, float]
    seizures_s: tuple[tuple[float, float], ...] = ()


def picture(found: Attribution) -> NDArray[np.float64]:
    """Return a map as it is drawn, (3, n_freqs, n_frames), or (3, n_channels, n_columns).

    Evidence for and against is summed apart over the derivations, and the stronger side is
    shown. A network of derivations has no frequencies: its rows are derivations, and the strongest
    value of each stretch of samples is kept.
    """
    parts = found.by_channel()
    if found.has_frequency_axis:
        positive = parts.positive.sum(axis=1, dtype=np.float64)
        negative = parts.negative.sum(axis=1, dtype=np.float64)
        return np.asarray(np.where(positive >= negative, positive, -negative), dtype=np.float64)
    shown = parts.shown().astype(np.float64)
    width = -(-shown.shape[-1] // _MOST_COLUMNS)
    n = shown.shape[-1] // width
    cells = shown[..., : n * width].reshape(*shown.shape[:-1], n, width)
    strongest = np.abs(cells).argmax(axis=-1)[..., None]
    return np.asarray(np.take_along_axis(cells, strongest, axis=-1)[..., 0])


def limit_of(pictures: Sequence[NDArray[np.float64]]) -> float:
    """Return the common limit of the colour scale of pictures that are compared.

    It is the upper quartile of their largest values: with the largest of all, one window far
    stronger than the others would leave nothing to see in them, and a scale for each would make
    weak evidence look strong. What is beyond has the last colour.
    """
    strongest = [float(np.abs(one).max(initial=0.0)) for one in pictures]
    return max(float(np.quantile(strongest, 0.75)) if strongest else 0.0, 1e-9)


def spectrogram_png(
    power_db: Floats, freqs_hz: Floats, segment_onset_s: Sequence[float], segment_s: float
) -> bytes:
    """Draw the spectrogram triptych: the mean of the derivations in dB, fixed limits.

    Parameters
    ----------
    power_db : ndarray, shape (3, n_channels, n_freqs, n_frames)
        dB re 1 uV^2/Hz.
    freqs_hz : ndarray, shape (n_freqs,)
    segment_onset_s : sequence of float
        Three begins from the start of the file, s.
    segment_s : float
    """
    power = 10 * np.log10(np.mean(10 ** (power_db / 10), axis=1))
    figure = new_figure(WIDTH_IN, 1.75, arranged=False)
    axes = figure.subplots(1, 3)
    figure.subplots_adjust(left=_LEFT, right=_RIGHT, bottom=0.24, top=0.87, wspace=0.06)
    image = None
    for place, panel in enumerate(power):
        begin = segment_onset_s[place]
        image = axes[place].imshow(
            panel, origin="lower", aspect="auto", cmap=POWER_MAP, clim=POWER_DB,
            extent=(begin, begin + segment_s, float(freqs_hz[0]), float(freqs_hz[-1])),
            interpolation="nearest",
        )  # fmt: skip
        axes[place].set_title(_SEGMENTS[place], fontsize=8, color=INK)
        _time_axis(axes[place], begin, segment_s)
        plain_axes(axes[place])
        if place:
            axes[place].set_yticks([])
    axes[0].set_ylabel("Hz")
    bar = colour_bar(figure, image, (_RIGHT + 0.01, 0.24, 0.015, 0.63))
    bar.set_label("dB re 1 µV²/Hz", fontsize=7)
    return png(figure)


def maps_png(
    maps: Sequence[Attribution],
    limits: Mapping[str, float],
    segment_onset_s: Sequence[float],
    segment_s: float,
) -> bytes:
    """Draw the maps of one window, one row a method, columns t = 0, 1, 2.

    Parameters
    ----------
    maps : sequence of Attribution
    limits : mapping of str to float
        By method: the colour scale goes from minus this to this, in all windows of the report.
    segment_onset_s : sequence of float
    segment_s : float
    """
    height_in = _TOP_IN + _BOTTOM_IN + _ROW_IN * len(maps)
    figure = new_figure(WIDTH_IN, height_in, arranged=False)
    axes = figure.subplots(len(maps), 3, squeeze=False)
    bottom, top = _BOTTOM_IN / height_in, 1 - _TOP_IN / height_in
    figure.subplots_adjust(
        left=_LEFT, right=_RIGHT, bottom=bottom, top=top, wspace=0.06, hspace=0.14
    )
    for row, found in enumerate(maps):
        limit, drawn = limits[found.method], picture(found)
        image = None
        for place in range(3):
            begin = segment_onset_s[place]
            low, high = _extent(found, drawn.shape[1])
            image = axes[row, place].imshow(
                drawn[place], aspect="auto", cmap=signed_map(), vmin=-limit, vmax=limit,
                origin="lower" if found.has_frequency_axis else "upper",
                extent=(begin, begin + segment_s, low, high), interpolation="nearest",
            )  # fmt: skip
            if row == 0:
                axes[row, place].set_title(_SEGMENTS[place], fontsize=8, color=INK)
            _time_axis(axes[row, place], begin, segment_s)
            if row < len(maps) - 1:
                axes[row, place].set(xticks=[], xlabel="")
            if place:
                axes[row, place].set_yticks([])
            elif not found.has_frequency_axis:
                _name_rows(axes[row, place], found)
            plain_axes(axes[row, place])
        title = METHODS[found.method].title if found.method in METHODS else found.method
        unit = "Hz" if found.has_frequency_axis else "derivation"
        axes[row, 0].set_ylabel(f"{title}\n{unit}")
        box = axes[row, 0].get_position()
        bar = colour_bar(figure, image, (_RIGHT + 0.01, box.y0, 0.015, box.height))
        bar.set_label(found.unit, fontsize=7)
    return png(figure)


def _time_axis(axes: Any, begin_s: float, segment_s: float) -> None:
    # the last mark is the first one of the next panel
    axes.set_xticks([begin_s + k for k in range(int(segment_s))])
    axes.set_xlabel("s from the start of the file")


def _extent(found: Attribution, n_rows: int) -> tuple[float, float]:
    if found.has_frequency_axis:
        return float(found.freqs_hz[0]), float(found.freqs_hz[-1])
    return float(n_rows), 0.0


def _name_rows(axes: Any, found: Attribution) -> None:
    names = found.by_channel().labels
    axes.set_yticks([k + 0.5 for k in range(0, len(names), 3)], names[::3])


def traces_png(traces: Traces, evidence: Floats | None, limit: float) -> bytes:
    """Draw raw traces around a window, negative up, on the evidence of each derivation.

    Parameters
    ----------
    traces : Traces
    evidence : ndarray, shape (3, n_rows, n_columns), or None
        Signed evidence by derivation and time within t = 0, 1, 2; None draws the traces alone.
    limit : float
        Of its colour scale.
    """
    n_rows = len(traces.names)
    height_in = 0.55 + 0.18 * n_rows
    figure = new_figure(WIDTH_IN, height_in, arranged=False)
    axes = figure.subplots()
    figure.subplots_adjust(left=_LEFT, right=0.93, bottom=0.42 / height_in, top=0.99)
    time_s = traces.start_s + np.arange(traces.signal_uv.shape[1]) / traces.sfreq
    step_uv = _spacing(traces.signal_uv)
    begin, end = traces.window_s
    if evidence is not None:
        segment = (end - begin) / 3
        for place, part in enumerate(evidence):
            axes.imshow(
                part, aspect="auto", cmap=signed_map(), vmin=-limit, vmax=limit, alpha=0.75,
                extent=(begin + place * segment, begin + (place + 1) * segment, n_rows - 0.5, -0.5),
                interpolation="nearest", zorder=0,
            )  # fmt: skip
    for row, name in enumerate(traces.names):
        ink = _SIDE_INKS[region_of(name)[0]]
        # negative up, as EEG is read: rows grow downwards, and so does positive voltage
        values = row + traces.signal_uv[row] / step_uv
        axes.plot(time_s, values, color=ink, linewidth=0.55, zorder=2, clip_on=True)
    for edge in (begin, begin + (end - begin) / 3, begin + 2 * (end - begin) / 3, end):
        axes.axvline(edge, color=QUIET, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    for onset, stop in traces.seizures_s:
        axes.plot([onset, stop], [-1.2, -1.2], color=FOR_INK, linewidth=3, solid_capstyle="butt")
    axes.set(xlim=(float(time_s[0]), float(time_s[-1])), ylim=(n_rows - 0.2, -1.6))
    axes.set_yticks(range(n_rows), traces.names)
    axes.set_xlabel("s from the start of the file")
    plain_axes(axes)
    axes.tick_params(axis="y", labelsize=6, length=0)
    _scale_bar(axes, time_s, step_uv, n_rows)
    return png(figure)


def _spacing(signal_uv: NDArray[np.float32]) -> float:
    """Return microvolts between two rows: a round number near what the traces need."""
    spread = np.nanpercentile(np.abs(signal_uv), 97) if np.isfinite(signal_uv).any() else 50.0
    return float(next((step for step in _STEPS_UV if step >= 1.6 * spread), _STEPS_UV[-1]))


def _scale_bar(axes: Any, time_s: Floats, step_uv: float, n_rows: int) -> None:
    right = float(time_s[-1])
    x = right + 0.012 * (right - float(time_s[0]))
    axes.plot([x, x], [n_rows - 2, n_rows - 1], color=INK, linewidth=1.6, clip_on=False)
    axes.text(x, n_rows - 1.5, f"  {step_uv:g} µV", fontsize=6.5, va="center", color=INK)


def colour_keys_png() -> bytes:
    """Draw the colour keys of spectrogram and evidence."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure = new_figure(WIDTH_IN, 0.95)
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.12})
    power = ScalarMappable(Normalize(*POWER_DB), POWER_MAP)
    bar = figure.colorbar(power, cax=left, orientation="horizontal")
    bar.set_label("spectrogram: power, dB re 1 µV²/Hz", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    signed = ScalarMappable(Normalize(-1, 1), signed_map())
    bar = figure.colorbar(signed, cax=right, orientation="horizontal", ticks=[-1, 0, 1])
    labels = bar.ax.set_xticklabels(["against", "none", "for"])
    labels[0].set_horizontalalignment("left")
    labels[-1].set_horizontalalignment("right")
    bar.ax.tick_params(labelsize=7)
    bar.set_label("attribution: evidence for a seizure, limits beside each map", fontsize=8)
    return png(figure)
