"""A simulated recording: the same from the same seed, however it is read, in bounded memory."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pytest

from eegdash.export import write_edf_stream
from eegdash.io import open_recording, read_reference
from eegdash.montage import ELECTRODES_10_20, LONGITUDINAL_BIPOLAR, MONTAGES, resolve
from eegdash.simulation import (
    PATTERNS,
    SEIZURES,
    Person,
    demo,
    draw_person,
    plan_simulation,
    simulate,
)
from eegdash.training.datasets import bipolar_uv
from eegdash.workflows.files import simulate_to_file, write_simulation


def test_same_seed_same_samples_other_seed_other_samples() -> None:
    first, again = simulate(120, seed=5), simulate(120, seed=5)
    np.testing.assert_array_equal(first.signal_uv, again.signal_uv)
    assert first.annotations == again.annotations
    assert first.truth == again.truth
    assert not np.array_equal(first.signal_uv, simulate(120, seed=6).signal_uv)


def test_blocks_joined_are_the_whole_and_may_be_read_twice() -> None:
    planned = plan_simulation(100, seed=3)
    blocks = list(planned.blocks())
    assert len(blocks) > 2
    whole = planned.whole().signal_uv
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), whole)
    np.testing.assert_array_equal(np.concatenate(list(planned.blocks()), axis=1), whole)


def test_no_seam_shows_where_blocks_meet() -> None:
    signal = simulate(200, seed=8, n_seizures=0, person=Person(clutter=0, line_uv=0)).signal_uv
    jumps = np.abs(np.diff(signal, axis=1))
    seams = jumps[:, [32 * 256 * k - 1 for k in range(1, 6)]]
    assert seams.mean() < 2 * jumps.mean()


@pytest.mark.parametrize("cut", [1, 77, 256, 5000])
def test_the_file_does_not_depend_on_how_the_signal_is_cut(tmp_path: Path, cut: int) -> None:
    recording = simulate(70, seed=2)
    write_simulation(recording, tmp_path / "whole.edf")
    signal = recording.signal_uv[:, : 256 * 70 : 1]
    pieces = (signal[:, k : k + cut] for k in range(0, signal.shape[1], cut))
    write_edf_stream(
        tmp_path / "cut.edf", pieces, 256.0, recording.ch_names, n_samples=signal.shape[1]
    )
    assert (tmp_path / "cut.edf").read_bytes() == (tmp_path / "whole.edf").read_bytes()


def test_shapes_names_and_annotations() -> None:
    recording = simulate(400, seed=1, sfreq=200, n_seizures=3, seizure_s=(20, 90))
    assert recording.signal_uv.shape == (19, 80_000)
    assert recording.signal_uv.dtype == np.float32
    assert np.isfinite(recording.signal_uv).all()
    assert recording.ch_names == tuple(ELECTRODES_10_20)
    assert len(recording.annotations) == 3
    ends = [0.0]
    for event in recording.annotations:
        assert event.is_seizure
        assert 20 <= event.duration_s <= 90
        assert ends[-1] < event.onset_s < event.end_s < 400
        ends.append(event.end_s)


def test_recording_without_seizures_is_annotated_as_background() -> None:
    recording = simulate(60, seed=2, n_seizures=0)
    assert [(a.event_type, a.duration_s) for a in recording.annotations] == [("bckg", 60)]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"n_seizures": 3}, "do not fit"),
        ({"n_seizures": -1}, "was expected, found -1"),
        ({"kinds": ("grand",)}, "found 1 of grand"),
        ({"person": Person(reference="nose")}, "nose is not among ears"),
        ({"person": Person(vigilance="dead")}, "dead is not among awake"),
        ({"person": Person(patterns=("XYZ",))}, "XYZ is not among LPD"),
    ],
)
def test_what_cannot_be_simulated_is_said(more: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plan_simulation(60, seed=0, **more)  # type: ignore[arg-type]


def test_truth_is_by_onset_and_inside_the_recording() -> None:
    person = replace(draw_person(4), clutter=3.0, patterns=("LPD", "spike"), vigilance="night")
    recording = plan_simulation(1800, seed=4, n_seizures=4, person=person)
    onsets = [event.onset_s for event in recording.truth]
    assert onsets == sorted(onsets)
    assert all(e.onset_s >= 0 and e.onset_s + e.duration_s <= 1800 for e in recording.truth)
    assert all(e.channels[0] in ELECTRODES_10_20 for e in recording.truth)
    seizures = [event for event in recording.truth if event.event_type]
    assert [e.onset_s for e in seizures] == [a.onset_s for a in recording.annotations]
    assert {e.kind for e in seizures} <= set(SEIZURES)
    patterns = [e for e in recording.truth if e.kind in ("LPD", "spike")]
    assert patterns
    for pattern in patterns:
        assert all(
            pattern.onset_s > a.end_s or pattern.onset_s + pattern.duration_s < a.onset_s
            for a in recording.annotations
        )


def test_a_day_is_written_in_bounded_memory(tmp_path: Path) -> None:
    peaks = []
    for hours in (0.1, 0.4):
        planned = plan_simulation(3600 * hours, seed=9, n_seizures=0, person=Person(clutter=0))
        next(iter(planned.blocks()))  # what is cached once does not count
        tracemalloc.start()
        write_simulation(planned, tmp_path / "x.edf")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.15 * peaks[0] < 80e6


@pytest.mark.parametrize("reference", ["ears", "average", "bipolar"])
def test_a_file_reads_back_here_and_in_mne(tmp_path: Path, reference: str) -> None:
    person = replace(draw_person(6), reference=reference)
    recording = plan_simulation(90.5, seed=6, person=person).whole()
    path = tmp_path / "sim.edf"
    write_simulation(recording, path)
    read = open_recording(path)
    assert (read.sfreq, read.n_samples) == (256.0, recording.n_samples)
    assert read.ch_names == recording.ch_names
    assert read.warnings == ()
    stored = read.read(0, read.n_samples)
    np.testing.assert_allclose(stored, recording.signal_uv, atol=0.051)
    by_mne = mne.io.read_raw_edf(path, preload=True, verbose=False)
    np.testing.assert_allclose(by_mne.get_data() * 1e6, recording.signal_uv, atol=0.051)
    truth = read_reference(path, read)
    assert truth is not None
    found = [(s.onset_s, s.duration_s, s.event_type, s.channels) for s in truth.seizures]
    assert found == [
        (a.onset_s, a.duration_s, a.event_type, a.channels) for a in recording.annotations
    ]
    assert bool(found[0][3]) == (reference != "bipolar")


def test_bipolar_and_referential_are_the_same_brain() -> None:
    people = [Person(reference=reference, noise_uv=0.0) for reference in ("ears", "bipolar")]
    ears, chains = (simulate(60, seed=12, n_seizures=0, person=p) for p in people)
    names = {name.upper(): row for row, name in enumerate(chains.ch_names)}
    rows = [
        names.get(d.name.upper(), names.get(f"{d.name.upper()}-0")) for d in LONGITUDINAL_BIPOLAR
    ]
    np.testing.assert_allclose(chains.signal_uv[rows], bipolar_uv(ears.signal_uv), atol=1e-2)


def test_the_chb_mit_channels_give_the_longitudinal_montage(tmp_path: Path) -> None:
    write_simulation(simulate(60, seed=1, person=Person(reference="bipolar")), tmp_path / "a.edf")
    read = open_recording(tmp_path / "a.edf")
    assert len(read.ch_names) == 23
    assert len(resolve(read, MONTAGES["longitudinal-bipolar"]).names) == 18


def test_the_demo_is_of_an_average_person() -> None:
    recording = demo()
    assert recording.duration_s == 1800
    assert len(recording.annotations) == 3
    seconds = np.ptp(bipolar_uv(recording.signal_uv).reshape(18, 1800, 256), axis=2)
    inside = np.zeros(1800, dtype=bool)
    for event in recording.annotations:
        inside[int(event.onset_s) : int(event.end_s) + 1] = True
    assert 10 < np.median(seconds[:, ~inside]) < 50
    kinds = {event.kind for event in recording.truth}
    assert kinds & {"muscle", "chewing", "movement", "electrode pop"}


def test_simulating_and_writing_is_500_times_faster_than_real_time(tmp_path: Path) -> None:
    started = time.process_time()  # of both cores: others may be busy on this machine
    write_simulation(plan_simulation(3600, seed=1, n_seizures=4), tmp_path / "hour.edf")
    assert time.process_time() - started < 2 * 3600 / 500


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_that_is_asked_for_occurs(tmp_path: Path, name: str) -> None:
    kinds = set()
    for seed in range(4):
        path = tmp_path / f"{seed}.edf"
        simulate_to_file(
            path, duration_s=180, n_seizures=1, seed=seed, changes={"patterns": (name,)},
            all_truth=True,
        )  # fmt: skip
        rows = (tmp_path / f"{seed}_truth.tsv").read_text().splitlines()[1:]
        found = [row.split("\t") for row in rows]
        mine = [(float(cells[0]), float(cells[1])) for cells in found if cells[2] == name]
        assert mine, seed
        assert all(onset_s + length_s <= 180 for onset_s, length_s in mine)
        kinds |= {cells[2] for cells in found}
    assert not kinds & (set(PATTERNS) - {name})


def test_a_pattern_that_cannot_be_placed_is_said() -> None:
    person = draw_person(3, patterns=("LPD",), patterns_per_hour=0.0)
    with pytest.raises(ValueError, match="LPD does not fit into 50 s beside the seizures"):
        plan_simulation(50.0, seed=3, seizure_s=(29, 30), person=person, each_pattern=True)
