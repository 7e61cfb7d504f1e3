"""Scoring a recording in chunks: exactness at the borders, what stays unscored, speed, memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from eegdash.checkpoints import Detector, load_checkpoint
from eegdash.detection import (
    UNSCORED,
    PostProcessing,
    detect,
    encode_segments,
    find_events,
    join_codes,
)
from eegdash.errors import JobCancelledError, MissingChannelsError, TooShortError
from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR, MONTAGES, resolve
from eegdash.preprocessing import resample_uv
from eegdash.recording import Block, Recording
from eegdash.simulation import simulate

SHIPPED = Path(__file__).resolve().parents[1] / "models" / "spectrogram-cnn-lstm"


class ArraySource:
    """A signal in memory."""

    def __init__(self, signal_uv: NDArray[np.float32]) -> None:
        self.signal_uv = signal_uv

    def read(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        return self.signal_uv[list(picks), first:last]


class LoopSource:
    """A long recording that repeats a short one, without holding it."""

    def __init__(self, signal_uv: NDArray[np.float32]) -> None:
        self.signal_uv = signal_uv

    def read(self, first: int, last: int, picks: Sequence[int]) -> NDArray[np.float32]:
        columns = np.arange(first, last) % self.signal_uv.shape[1]
        return self.signal_uv[list(picks)][:, columns]


def make_recording(
    signal_uv: NDArray[np.float32],
    sfreq: float = 256.0,
    ch_names: Sequence[str] = ELECTRODES_10_20,
    blocks: tuple[Block, ...] | None = None,
) -> Recording:
    return Recording(
        path=Path("night.edf"),
        sha256="ab" * 32,
        sfreq=sfreq,
        ch_names=tuple(ch_names),
        blocks=blocks or (Block(0.0, 0, signal_uv.shape[1]),),
        start=None,
        annotations=(),
        warnings=(),
        source=ArraySource(signal_uv),
        eeg=(True,) * len(ch_names),
        format="array",
    )


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_checkpoint(SHIPPED)


def noise_uv(duration_s: float, sfreq: float, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (15 * rng.standard_normal((19, round(duration_s * sfreq)))).astype(np.float32)


@pytest.mark.parametrize("sfreq", [160.0, 250.0, 256.0, 499.9, 500.0])
def test_result_does_not_depend_on_the_chunk_size(detector: Detector, sfreq: float) -> None:
    signal = simulate(100, seed=11, sfreq=sfreq, seizure_s=(40, 40)).signal_uv.copy()
    signal[:, int(70.3 * sfreq) : int(70.9 * sfreq)] = np.nan
    recording = make_recording(signal, sfreq)
    whole = detect(recording, detector, chunk_segments=1000)
    for chunk in (1, 7, 20):
        part = detect(recording, detector, chunk_segments=chunk)
        np.testing.assert_array_equal(part.probability_pm, whole.probability_pm)
    assert whole.scored.any()
    assert not whole.scored.all()


@pytest.mark.parametrize("sfreq", [160.0, 256.0])
def test_codes_of_a_part_are_those_of_the_whole_bit_for_bit(
    detector: Detector, sfreq: float
) -> None:
    signal = simulate(60, seed=11, sfreq=sfreq, n_seizures=0).signal_uv.copy()
    signal[:, int(30.3 * sfreq) : int(30.9 * sfreq)] = np.nan
    recording = make_recording(signal, sfreq, blocks=(Block(0.0, 0, round(900 * sfreq)),))
    object.__setattr__(recording, "source", LoopSource(signal))
    codes, scorable = encode_segments(recording, detector)
    n = len(codes)
    assert n > 2 * 256
    assert not scorable.all()
    for first, stop in ((0, 1), (255, 257), (300, 333), (n - 3, n), (160, n - 1)):
        part, usable = encode_segments(recording, detector, first, stop)
        assert part.tobytes() == codes[first:stop].tobytes(), (first, stop)
        np.testing.assert_array_equal(usable, scorable[first:stop])
    for first, stop in ((5, 5), (-1, 3), (0, n + 1)):
        with pytest.raises(IndexError):
            encode_segments(recording, detector, first, stop)


def test_a_result_does_not_depend_on_the_number_of_cores(detector: Detector) -> None:
    recording = looped(simulate(60, seed=3, n_seizures=0).signal_uv, 10)
    before = torch.get_num_threads()
    found = []
    try:
        for n_threads in (1, 5, 16):
            torch.set_num_threads(n_threads)
            codes, scorable = encode_segments(recording, detector)
            trace = join_codes(recording, detector, codes, scorable)
            found.append((codes.tobytes(), trace.probability_pm.tobytes(), trace.background))
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_trace_grid_and_provenance(detector: Detector) -> None:
    trace = detect(make_recording(noise_uv(60, 256)), detector)
    assert trace.n_windows == 35  # (60 - 9) / 1.5 + 1
    assert trace.first_centre_s == 4.5
    assert trace.step_s == 1.5
    assert trace.duration_s == 60
    assert trace.probability_pm.dtype == np.uint16
    assert trace.probability_pm.max() <= 1000
    assert trace.model_sha256 == detector.config.sha256
    assert trace.recording_sha256 == "ab" * 32


def features_of(signal_uv: NDArray[np.float32], detector: Detector) -> NDArray[np.float32]:
    matrix = resolve(make_recording(signal_uv), MONTAGES[detector.config.montage])
    derived_uv = matrix.apply(signal_uv[list(matrix.picks)])
    return detector.features(resample_uv(derived_uv, 256.0, detector.config.sfreq))


def test_probability_is_that_of_the_window_alone_with_the_background_of_the_recording(
    detector: Detector,
) -> None:
    signal = simulate(100, seed=4, seizure_s=(40, 40)).signal_uv
    trace = detect(make_recording(signal), detector)
    background = detector.background(detector.encode(features_of(signal, detector)))
    for index in (0, 17, trace.n_windows - 1):
        window = features_of(signal[:, index * 384 : index * 384 + 2304], detector)[[0, 2, 4]]
        alone = 1000 * detector.probability(detector.logits(window[None], background))
        assert abs(alone[0] - int(trace.probability_pm[index])) <= 1.5


def looped(signal: NDArray[np.float32], minutes: float) -> Recording:
    recording = make_recording(signal, blocks=(Block(0.0, 0, round(minutes * 60 * 256)),))
    object.__setattr__(recording, "source", LoopSource(signal))
    return recording


def test_gain_counts_in_ten_seconds_and_hardly_in_half_an_hour(detector: Detector) -> None:
    short = simulate(60, seed=7, n_seizures=0).signal_uv
    loud = (3 * short).astype(np.float32)
    half_hours = [detect(looped(s, 30), detector).probability_pm.astype(int) for s in (short, loud)]
    assert np.abs(half_hours[1] - half_hours[0]).max() <= 5
    clips = [
        detect(make_recording(s[:, : 10 * 256]), detector).probability_pm.astype(int)
        for s in (short, loud)
    ]
    assert (clips[1] > clips[0] + 5).all()


def test_a_network_that_knows_no_background_is_scored_too(detector: Detector) -> None:
    class Plain(torch.nn.Module):
        def encode(self, features: torch.Tensor) -> torch.Tensor:
            return features.mean(dim=(2, 3))

        def head(self, codes: torch.Tensor) -> torch.Tensor:
            return codes.mean(dim=(1, 2))

    plain = Detector(detector.config, Plain())
    codes = plain.encode(np.ones((6, 18, 32, 9), dtype=np.float32))
    assert plain.background(codes) is None
    assert detect(make_recording(noise_uv(20, 256)), plain).scored.all()


def test_simulated_seizures_are_found_and_background_is_not(detector: Detector) -> None:
    simulated = simulate(600, seed=990_001, n_seizures=3)
    trace = detect(make_recording(simulated.signal_uv), detector)
    post = PostProcessing(**detector.config.post)
    events = find_events(trace, detector.config.threshold_pm, post)
    for seizure in simulated.annotations:
        assert any(e.onset_s < seizure.end_s and e.end_s > seizure.onset_s for e in events)
    seizures_s = sum(a.duration_s for a in simulated.annotations)
    assert sum(e.duration_s for e in events) < 1.5 * seizures_s


@pytest.mark.parametrize("sfreq", [160.0, 256.0, 500.0])
def test_nine_seconds_give_one_window_and_less_is_refused(detector: Detector, sfreq: float) -> None:
    assert detect(make_recording(noise_uv(9, sfreq), sfreq), detector).scored.tolist() == [True]
    short = make_recording(noise_uv(9, sfreq)[:, :-3], sfreq)
    with pytest.raises(TooShortError, match="9 s"):
        detect(short, detector)


def test_too_short_recording_says_how_long_it_is_and_what_is_needed(detector: Detector) -> None:
    with pytest.raises(TooShortError, match=r"night\.edf is 2\.0 s long.* needs 9 s"):
        detect(make_recording(noise_uv(2, 256)), detector)


def test_missing_electrode_is_named(detector: Detector) -> None:
    recording = make_recording(noise_uv(20, 256)[:18], ch_names=ELECTRODES_10_20[:18])
    with pytest.raises(MissingChannelsError) as caught:
        detect(recording, detector)
    assert caught.value.missing == ("O2",)


def test_mapping_names_an_electrode(detector: Detector) -> None:
    names = [*ELECTRODES_10_20[:18], "channel 19"]
    recording = make_recording(noise_uv(20, 256), ch_names=names)
    assert detect(recording, detector, mapping={"channel 19": "O2"}).n_windows == 8


def test_bipolar_recording_scores_as_the_referential_one(detector: Detector) -> None:
    signal = simulate(60, seed=2, seizure_s=(25, 25)).signal_uv
    index = {name: row for row, name in enumerate(ELECTRODES_10_20)}
    pairs = [(index[d.anode], index[str(d.cathode)]) for d in LONGITUDINAL_BIPOLAR]
    bipolar = np.stack([signal[a] - signal[b] for a, b in pairs])
    names = [d.name.upper() for d in LONGITUDINAL_BIPOLAR]
    a = detect(make_recording(signal), detector)
    b = detect(make_recording(bipolar, ch_names=names), detector)
    assert np.abs(a.probability_pm.astype(int) - b.probability_pm.astype(int)).max() <= 1


def test_nan_unscores_exactly_the_windows_that_touch_it(detector: Detector) -> None:
    signal = noise_uv(60, 256)
    signal[3, 256 * 30] = np.nan
    trace = detect(make_recording(signal), detector)
    touching = (trace.time_s - 4.5 <= 30) & (trace.time_s + 4.5 > 30)
    np.testing.assert_array_equal(~trace.scored, touching)


def test_nothing_is_scored_across_a_gap(detector: Detector) -> None:
    signal = noise_uv(60, 256)
    blocks = (Block(0.0, 0, 256 * 30), Block(99.0, 256 * 30, 256 * 30))
    trace = detect(make_recording(signal, blocks=blocks), detector)
    assert trace.duration_s == 129
    clear = (trace.time_s + 4.5 <= 30) | (trace.time_s - 4.5 >= 99)
    np.testing.assert_array_equal(trace.scored, clear)


@pytest.mark.parametrize("kind", ["flat", "zero", "saturated"])
def test_unusable_channels_beyond_a_quarter_of_the_derivations_leave_it_unscored(
    detector: Detector, kind: str
) -> None:
    signal = simulate(60, seed=2, seizure_s=(25, 25)).signal_uv.copy()
    if kind == "saturated":
        signal = np.clip(50 * signal, -100, 100)
    else:
        signal[:] = 0 if kind == "zero" else np.arange(19)[:, None]
    assert not detect(make_recording(signal), detector).scored.any()


def test_dead_electrodes_among_live_ones_count_by_their_derivations(detector: Detector) -> None:
    signal = simulate(60, seed=2, seizure_s=(25, 25)).signal_uv.copy()
    signal[ELECTRODES_10_20.index("T7")] = 0  # 2 of 18 derivations
    assert detect(make_recording(signal), detector).scored.all()
    for name in ("F3", "P8"):  # now 6 of 18
        signal[ELECTRODES_10_20.index(name)] = 0
    assert not detect(make_recording(signal), detector).scored.any()


def test_dead_electrode_in_quiet_background_gives_no_confident_score(detector: Detector) -> None:
    quiet = simulate(120, seed=31, n_seizures=0).signal_uv.copy()
    before = detect(make_recording(quiet), detector).probability_pm
    quiet[ELECTRODES_10_20.index("C3")] = 0
    after = detect(make_recording(quiet), detector).probability_pm
    raised = (after >= detector.config.threshold_pm) & (before < detector.config.threshold_pm)
    assert raised.mean() < 0.05


def test_progress_rises_to_one_and_may_cancel(detector: Detector) -> None:
    recording = make_recording(noise_uv(120, 256))
    seen: list[float] = []
    detect(recording, detector, progress=seen.append, chunk_segments=10)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 5

    def cancel(share: float) -> None:
        raise JobCancelledError("cancelled by the reader")

    with pytest.raises(JobCancelledError):
        detect(recording, detector, progress=cancel)


def test_memory_grows_far_slower_than_the_recording(detector: Detector) -> None:
    short = noise_uv(60, 256)

    def peak_mb(hours: float) -> float:
        recording = looped(short, 60 * hours)
        tracemalloc.start()
        detect(recording, detector)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        return peak

    one, three = peak_mb(0.5), peak_mb(1.5)
    # an hour of signal is 70 MB; an hour of codes 0.5 MB
    assert three - one < 5


def test_real_seizure_clips_are_found(detector: Detector, data_pack: Path) -> None:
    import mne

    post = PostProcessing(**detector.config.post)
    for name, onset, end in (
        ("chb01_03_2986-3036s.edf", 10, 50),
        ("chb01_04_1457-1494s.edf", 10, 37),
        ("chb01_01_0-60s.edf", 0, 0),
    ):
        raw = mne.io.read_raw_edf(data_pack / "seizure_clips" / name, preload=True, verbose="error")
        signal = (raw.get_data() * 1e6).astype(np.float32)
        trace = detect(make_recording(signal, raw.info["sfreq"], raw.ch_names), detector)
        events = find_events(trace, detector.config.threshold_pm, post)
        if end:
            assert any(event.onset_s < end and event.end_s > onset for event in events), name
        else:
            assert events == []


def test_unscored_value_is_never_a_probability(detector: Detector) -> None:
    logits = np.array([-1e9, -50.0, 0.0, 50.0, 1e9])
    per_mille = np.floor(1000 * detector.probability(logits) + 0.5)
    assert per_mille.tolist() == [0, 0, 500, 1000, 1000]
    assert UNSCORED > 1000
