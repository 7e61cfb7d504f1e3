"""Every file of the data pack at the level of the readers, hostile ones as expected.tsv says."""

from __future__ import annotations

import csv
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from eegdash.errors import HeaderError, MissingChannelsError, NotAnEegError
from eegdash.io import open_recording, read_reference
from eegdash.io.chbmit import read_summary
from eegdash.montage import MONTAGES, parse_label, resolve
from eegdash.recording import Recording

BANANA = MONTAGES["longitudinal-bipolar"]
# "01" of chb12 is a slip for O1; numbered channels exist too, so the reader decides, not we
UNKNOWN_IN_SUMMARIES = frozenset(
    ("-", ".", "ECG", "VNS", "EKG1-EKG2", "EKG1-CHIN", "LOC-ROC", "LUE-RAE", "01")
)


def test_every_clip_opens_and_gives_the_montage(data_pack: Path) -> None:
    files = [*data_pack.glob("seizure_clips/*.edf"), *data_pack.glob("background/*/*.edf")]
    assert len(files) == 18 + 31
    for path in files:
        recording = open_recording(path)
        assert np.isfinite(recording.read(0, recording.n_samples)).all(), path.name
        if path.name != "eeglab_sample.edf":
            assert len(resolve(recording, BANANA).names) == 18, path.name


def test_eeglab_sample_lacks_four_electrodes(data_pack: Path) -> None:
    recording = open_recording(data_pack / "background" / "other" / "eeglab_sample.edf")
    with pytest.raises(MissingChannelsError) as caught:
        resolve(recording, BANANA)
    assert set(caught.value.missing) == {"Fp1", "Fp2", "F7", "F8"}


def test_facts_of_the_background_are_those_of_its_table(data_pack: Path) -> None:
    with (data_pack / "background" / "recordings.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 31
    for row in rows:
        recording = open_recording(data_pack / "background" / row["file"])
        assert recording.sfreq == float(row["fs"])
        assert len(recording.ch_names) == int(row["channels"])
        assert recording.duration_s == float(row["seconds"])
        picks = [i for i, eeg in enumerate(recording.eeg) if eeg]
        spread = np.median(recording.read(0, recording.n_samples, picks).std(axis=1))
        # the table's median is over all channels, here over the EEG
        assert spread == pytest.approx(float(row["median_channel_sd_uv"]), rel=0.1), row["file"]


def test_reference_and_coverage_of_the_clips(data_pack: Path) -> None:
    with (data_pack / "seizure_clips" / "coverage.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        path = data_pack / "seizure_clips" / row["file"]
        reference = read_reference(path, open_recording(path))
        if not path.with_name(f"{path.stem}_events.tsv").exists():
            assert reference is None, path.name
            continue
        assert reference is not None
        known = (
            (float(row["known_from_s"]), float(row["known_to_s"])) if row["known_to_s"] else None
        )
        assert reference.coverage == ((known,) if known else ())
        assert reference.source == "SzCORE events file"
        assert bool(reference.seizures) == any(
            word in path.name for word in ("SZ_", "chb01_03", "chb01_04", "irr_A", "Other_sample2")
        )


def test_background_is_free_of_seizures_over_its_whole_length(data_pack: Path) -> None:
    for path in data_pack.glob("background/*/*.edf"):
        recording = open_recording(path)
        reference = read_reference(path, recording)
        assert reference is not None
        assert reference.seizures == ()
        assert reference.coverage == ((0.0, recording.duration_s),)


def test_every_channel_of_the_summaries_is_understood(data_pack: Path) -> None:
    """What is not parsed as an electrode or derivation is known not to be one."""
    labels = set()
    for path in data_pack.glob("chbmit_annotations/*-summary.txt"):
        assert read_summary(path)
        lines = path.read_text().splitlines()
        labels |= {line.split(":", 1)[1].strip() for line in lines if line.startswith("Channel ")}
    unknown = {label for label in labels if parse_label(label) is None}
    assert unknown == UNKNOWN_IN_SUMMARIES


def hostile(data_pack: Path, name: str) -> Recording:
    began = time.perf_counter()
    recording = open_recording(data_pack / "hostile" / name)
    assert time.perf_counter() - began < 1
    page = recording.read(0, recording.n_samples)
    assert page.shape == (len(recording.ch_names), recording.n_samples)
    return recording


def test_every_hostile_file_has_a_test(data_pack: Path) -> None:
    with (data_pack / "hostile" / "expected.tsv").open() as file:
        names = {row["file"] for row in csv.DictReader(file, delimiter="\t")}
    source = Path(__file__).read_text()
    assert len(names) == 15
    assert [name for name in sorted(names) if f'"{name}"' not in source] == []


def test_malformed_numeric_header(data_pack: Path) -> None:
    with pytest.raises(
        HeaderError, match=r"physical maximum of signal 1 \(C1\), found '8e\+003\.5'"
    ):
        open_recording(data_pack / "hostile" / "malformed_numeric_header.edf")


def test_git_lfs_pointer(data_pack: Path) -> None:
    with pytest.raises(NotAnEegError, match="Git LFS pointer"):
        open_recording(data_pack / "hostile" / "git_lfs_pointer.edf")


def test_duplicate_labels(data_pack: Path) -> None:
    recording = hostile(data_pack, "duplicate_channel_labels.edf")
    assert recording.ch_names == ("EEG F1-Ref-0", "EEG F2-Ref", "EEG F1-Ref-1")
    assert any("more than once (EEG F1-Ref)" in warning for warning in recording.warnings)
    with pytest.raises(MissingChannelsError):
        resolve(recording, BANANA)


def test_uneven_rates(data_pack: Path) -> None:
    recording = hostile(data_pack, "test_uneven_samp.edf")
    assert any("(12.8, 100 Hz)" in warning for warning in recording.warnings)
    with pytest.raises(MissingChannelsError, match="no 10-20 electrode"):
        resolve(recording, BANANA)


def test_biosemi(data_pack: Path) -> None:
    recording = hostile(data_pack, "mne_test.bdf")
    assert (recording.duration_s, recording.sfreq, len(recording.ch_names)) == (1.0, 2048.0, 73)
    assert not recording.eeg[recording.ch_names.index("Status")]
    assert sum(recording.eeg) == 66


def test_labels_without_electrode(data_pack: Path) -> None:
    recording = hostile(data_pack, "bdf_test.edf")
    assert len(recording.ch_names) == 8
    with pytest.raises(MissingChannelsError, match="map them to electrodes"):
        resolve(recording, BANANA)


def test_stimulus_channel(data_pack: Path) -> None:
    recording = hostile(data_pack, "test_edf_stim_channel.edf")
    not_eeg = [n for n, eeg in zip(recording.ch_names, recording.eeg, strict=True) if not eeg]
    assert not_eeg == ["EOG VEOG_I", "EOG VEOG_II", "ECG ECG1", "ECG ECG2", "DIG DTRIG"]
    assert recording.duration_s == 9.59375
    assert len(resolve(recording, BANANA).names) == 18


def test_annotations_only(data_pack: Path) -> None:
    recording = hostile(data_pack, "SC4001EC-Hypnogram.edf")
    assert (recording.ch_names, recording.duration_s) == ((), 0.0)
    assert len(recording.annotations) == 154
    nothing, personal = recording.warnings
    assert nothing == "The file holds no EEG signal."
    assert "holds the patient's name" in personal


def test_sleep_recording(data_pack: Path) -> None:
    recording = hostile(data_pack, "short_psg.edf")
    assert recording.sfreq == 100.0
    assert recording.eeg == (True, True, False, False, False, False, False)
    with pytest.raises(MissingChannelsError):
        resolve(recording, BANANA)


def test_utf_8_annotations(data_pack: Path) -> None:
    recording = hostile(data_pack, "test_utf8.edf")
    assert "中文测试八个字" in [a.text for a in recording.annotations]
    assert recording.duration_s == 698.0


def test_subsecond_start(data_pack: Path) -> None:
    recording = hostile(data_pack, "test_subsecond.edf")
    assert recording.start == datetime(2020, 1, 24, 4, 5, 56, 394531)
    assert recording.annotations[0].onset_s == pytest.approx(1.9511719, abs=1e-6)


def test_szcore_unipolar(data_pack: Path) -> None:
    recording = hostile(data_pack, "szcore_unipolar.edf")
    assert len(resolve(recording, BANANA).names) == 18
    assert recording.duration_s == 2.0


def test_records_of_half_a_second(data_pack: Path) -> None:
    recording = hostile(data_pack, "datarec_0_5.bdf")
    assert (recording.duration_s, recording.sfreq) == (30.0, 2000.0)
    assert any("(1000, 1600, 1950, 1998, 2000 Hz)" in warning for warning in recording.warnings)
    # the first is a sine of 10 Hz, resampled from 1000 to 1998 or 2000 Hz
    row = recording.read(4000, 24_000, [0])[0]
    assert np.abs(np.fft.rfft(row)).argmax() / 10 == pytest.approx(10, abs=0.1)


def test_chb_header(data_pack: Path) -> None:
    recording = hostile(data_pack, "chb_header_2s_noise.edf")
    assert recording.start == datetime(2065, 9, 29, 12, 28, 57)
    assert {"T8-P8-0", "T8-P8-1"} <= set(recording.ch_names)
    assert len(resolve(recording, BANANA).names) == 18


def test_events_without_eeg(data_pack: Path) -> None:
    recording = hostile(data_pack, "evt.bdf")
    assert recording.eeg == (False,)
    assert "The file holds no EEG signal." in recording.warnings
    assert len(recording.annotations) == 457
    assert any("624 annotations" in warning for warning in recording.warnings)
