"""Data-set layouts: what is found, whose it is, and what is known about it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from simulated_files import write_events, write_noise
from wfdb_files import write_seizures

from eegdash.errors import DatasetError, RecordingError
from eegdash.io.dataset import Dataset
from eegdash.io.layouts import read_dataset
from eegdash.io.window_arrays import read_window_array


def by_name(dataset: Dataset) -> dict[str, str]:
    return {item.path.name: item.person_key for item in dataset.items}


@pytest.fixture
def chbmit(tmp_path: Path) -> Path:
    """A folder as it comes from PhysioNet, with two cases and their traps."""
    root = tmp_path / "chbmit"
    for name in ("chb02/chb02_16", "chb02/chb02_16+", "chb21/chb21_01", "chb24/chb24_02",
                 "chb24/chb24_21", "chb24/chb24_03"):  # fmt: skip
        write_noise(root / f"{name}.edf", seconds=30, seed=len(name))
    (root / "chb02" / "chb02-summary.txt").write_text(
        "File Name: chb02_16.edf\nNumber of Seizures in File: 1\n"
        "Seizure Start Time: 5 seconds\nSeizure End Time: 15 seconds\n"
        "File Name: chb02_16+.edf\nNumber of Seizures in File: 0\n"
    )
    (root / "chb24" / "chb24-summary.txt").write_text(
        "File Name: chb24_21.edf\nNumber of Seizures in File: 1\n"
        "Seizure Start Time: 10 seconds\nSeizure End Time: 20 seconds\n"
    )
    write_seizures(root / "chb24" / "chb24_21.edf.seizures", [(4, 20)])
    (root / "RECORDS").write_text(
        "chb02/chb02_16.edf\nchb02/chb02_16+.edf\nchb02/chb02_17.edf\nchb21/chb21_01.edf\n"
        "chb24/chb24_02.edf\nchb24/chb24_03.edf\nchb24/chb24_21.edf\nchb01/chb01_01.edf\n"
    )
    (root / "RECORDS-WITH-SEIZURES").write_text(
        "chb02/chb02_16.edf\nchb24/chb24_03.edf\nchb24/chb24_21.edf\n\n"
    )
    (root / "SUBJECT-INFO").write_text(
        "Case\tGender\tAge (years)\n\nchb02\tM\t11\nchb06\tF\t 1.5\nchb21\tF\t\n"
    )
    return root


def test_chbmit_persons_subjects_and_what_is_missing(chbmit: Path) -> None:
    found = read_dataset(chbmit)
    assert found.layout == "CHB-MIT"
    assert by_name(found)["chb21_01.edf"] == "CHB-MIT/chb01"
    assert found.persons == ("CHB-MIT/chb01", "CHB-MIT/chb02", "CHB-MIT/chb24")
    assert (found.subjects["chb06"].sex, found.subjects["chb06"].age_years) == ("F", 1.5)
    assert found.subjects["chb21"].age_years is None
    assert found.notes == ("1 of 7 recordings that RECORDS lists are not in the folder.",)


def test_chbmit_truth_of_every_kind(chbmit: Path) -> None:
    truth = {i.path.name: i.open()[1] for i in read_dataset(chbmit).items}
    spans = {
        name: None if ref is None else [(a.onset_s, a.end_s) for a in ref.seizures]
        for name, ref in truth.items()
    }
    assert spans == {
        "chb02_16.edf": [(5, 15)],
        "chb02_16+.edf": [],
        "chb21_01.edf": [],  # in no summary, and the list does not name it
        "chb24_02.edf": [],
        "chb24_03.edf": None,  # the list names it, but nothing says when
        "chb24_21.edf": [(4, 20)],
    }
    reference = truth["chb24_02.edf"]
    assert reference is not None
    assert reference.source == "CHB-MIT RECORDS-WITH-SEIZURES"
    assert reference.coverage == ((0.0, 30.0),)
    reference = truth["chb24_21.edf"]
    assert reference is not None
    assert "the .seizures file is used" in reference.warnings[0]


def test_chbmit_without_the_list_says_nothing_about_records_in_no_summary(chbmit: Path) -> None:
    (chbmit / "RECORDS-WITH-SEIZURES").unlink()
    truth = {i.path.name: i.open()[1] for i in read_dataset(chbmit).items}
    assert truth["chb24_02.edf"] is None
    assert truth["chb02_16+.edf"] is not None


def test_the_folder_of_one_case_uses_the_lists_above_it(chbmit: Path) -> None:
    found = read_dataset(chbmit / "chb24")
    assert {p.rpartition("/")[2] for p in by_name(found).values()} == {"chb24"}
    assert next(i for i in found.items if i.path.name == "chb24_02.edf").open()[1] is not None
    assert found.notes == ()


def test_a_cut_of_a_record_is_not_free_of_seizures_because_no_list_names_it(chbmit: Path) -> None:
    write_noise(chbmit / "chb24" / "chb24_21_0-30s.edf", seconds=20)
    items = {i.path.name: i for i in read_dataset(chbmit).items}
    assert items["chb24_21_0-30s.edf"].open()[1] is None


def test_nothing_is_read_before_an_item_is_opened(chbmit: Path) -> None:
    (chbmit / "chb02" / "chb02_16.edf").write_bytes(b"broken")
    found = {i.path.name: i for i in read_dataset(chbmit).items}
    with pytest.raises(RecordingError):
        found["chb02_16.edf"].open()


@pytest.mark.parametrize("session", ["", "ses-01/"])
def test_bids_subjects_and_events(tmp_path: Path, session: str) -> None:
    root = tmp_path / "mybids"
    for subject in ("sub-01", "sub-02"):
        stem = f"{subject}_task-szMonitoring_run-00"
        path = write_noise(root / subject / session / "eeg" / f"{stem}_eeg.edf", seconds=30)
        write_events(path.with_name(f"{stem}.edf"), [(3, 9)], 30)
    write_noise(root / "derivatives" / "sub-03" / "eeg" / "sub-03_eeg.edf", seconds=30)
    found = read_dataset(root)
    assert found.layout == "BIDS"
    assert found.persons == ("BIDS/sub-01", "BIDS/sub-02")
    reference = found.items[0].open()[1]
    assert reference is not None
    assert [(a.onset_s, a.end_s) for a in reference.seizures] == [(3, 12)]


def test_bids_conversion_of_chbmit_keeps_its_persons(tmp_path: Path) -> None:
    for subject in ("sub-01", "sub-21", "sub-03"):
        write_noise(tmp_path / subject / "ses-01" / "eeg" / f"{subject}_eeg.edf", seconds=12)
    (tmp_path / "dataset_description.json").write_text(json.dumps({"Name": "BIDS CHB-MIT"}))
    assert read_dataset(tmp_path).persons == ("CHB-MIT/chb01", "CHB-MIT/chb03")


def test_any_folder_and_any_file_are_a_data_set_without_persons(tmp_path: Path) -> None:
    write_noise(tmp_path / "a" / "night.edf", seconds=12)
    write_noise(tmp_path / "a" / ".hidden.edf", seconds=12)
    write_noise(tmp_path / "a" / "sub-07_night.edf", seconds=12)
    found = read_dataset(tmp_path)
    assert found.layout == "folder"
    assert by_name(found) == {"night.edf": "", "sub-07_night.edf": "recordings/sub-07"}
    assert "1 of 2 recordings" in found.notes[0]
    assert len(read_dataset(tmp_path / "a" / "night.edf").items) == 1


def test_what_holds_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no recording"):
        read_dataset(tmp_path)
    with pytest.raises(DatasetError, match="was not found"):
        read_dataset(tmp_path / "absent")


# ---- labelled windows ------------------------------------------------------------------------


def write_window(path: Path, **changes: object) -> Path:
    values: dict[str, object] = {
        "data_uv": np.arange(40, dtype=np.float32).reshape(4, 10),
        "ch_names": np.array(["FP1-F7", "T8-P8", "T8-P8", "ECG"]),
        "fs": 5,
        "label": "ictal",
    }
    np.savez(path, **{k: v for k, v in (values | changes).items() if v is not None})  # type: ignore[arg-type]
    return path


def test_a_window_is_a_recording_with_the_truth_of_its_label(tmp_path: Path) -> None:
    recording, reference = read_window_array(write_window(tmp_path / "w.npz"))
    assert recording.ch_names == ("FP1-F7", "T8-P8-0", "T8-P8-1", "ECG")
    assert recording.eeg == (True, True, True, False)
    assert (recording.sfreq, recording.duration_s) == (5.0, 2.0)
    assert recording.read(2, 4, [3, 0]).tolist() == [[32, 33], [2, 3]]
    assert [(a.onset_s, a.end_s) for a in reference.seizures] == [(0, 2)]
    _, before = read_window_array(write_window(tmp_path / "v.npz", label="preictal"))
    assert before.seizures == ()
    assert before.coverage == ((0.0, 2.0),)


@pytest.mark.parametrize(
    "changes",
    [{"label": "maybe"}, {"fs": None}, {"ch_names": np.array(["A"])}, {"fs": 0},
     {"ch_names": np.array(["A", {}], dtype=object)}],
)  # fmt: skip
def test_what_is_no_window_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(RecordingError, match=r"w\.npz"):
        read_window_array(write_window(tmp_path / "w.npz", **changes))


def test_text_with_the_name_of_a_window_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.npz").write_text("hello")
    with pytest.raises(RecordingError, match="not a labelled window"):
        read_window_array(tmp_path / "w.npz")


# ---- the data pack ---------------------------------------------------------------------------


def test_the_data_pack_is_a_data_set_of_three_groups(data_pack: Path) -> None:
    found = read_dataset(data_pack)
    groups = {g: [i for i in found.items if i.group == g] for g in
              ("CHB-MIT", "IIIC", "background")}  # fmt: skip
    assert {g: len(items) for g, items in groups.items()} == {
        "CHB-MIT": 16, "IIIC": 14, "background": 31,
    }  # fmt: skip
    assert {i.person for i in groups["CHB-MIT"]} == {"chb01", "chb02", "chb03", ""}
    assert {i.person for i in groups["IIIC"]} == {""}
    assert len({i.person for i in groups["background"]} - {""}) == 25
    assert all(i.path.suffix in (".edf", ".npz") for i in found.items)
    assert not any("hostile" in i.path.parts for i in found.items)
    truth = {i.path.name: i.open()[1] for i in groups["IIIC"] + groups["CHB-MIT"]}
    unknown = {name for name, ref in truth.items() if ref is None or not ref.coverage}
    assert unknown == {
        "chb_unknown_awake.edf", "iiic_irr_B_Sample02.edf", "sparcnet_Other_sample2.edf",
    }  # fmt: skip
    sample = truth["sparcnet_SZ_sample1.edf"]
    assert sample is not None
    assert sample.coverage == ((20.0, 30.0),)


def test_the_summaries_of_the_data_pack_describe_a_folder_of_chbmit(
    data_pack: Path, tmp_path: Path
) -> None:
    notes = data_pack / "chbmit_annotations"
    for name in ("RECORDS", "RECORDS-WITH-SEIZURES", "SUBJECT-INFO"):
        shutil.copy(notes / name, tmp_path / name)
    write_noise(tmp_path / "chb24" / "chb24_02.edf", seconds=12)
    shutil.copy(notes / "chb24-summary.txt", tmp_path / "chb24")
    found = read_dataset(tmp_path)
    assert len(found.subjects) == 23
    assert found.subjects["chb06"].age_years == 1.5
    assert found.notes == ("21 of 22 recordings that RECORDS lists are not in the folder.",)
    reference = found.items[0].open()[1]
    assert reference is not None
    assert reference.seizures == ()
