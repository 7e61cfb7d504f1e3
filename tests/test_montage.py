"""Montages: labels as recorders write them, derivations as recorded or by subtraction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eegdash.errors import MissingChannelsError
from eegdash.montage import (
    ELECTRODES_10_20,
    LONGITUDINAL_BIPOLAR,
    MONTAGES,
    Derivation,
    Montage,
    parse_label,
    present,
    resolve,
    shown,
)
from eegdash.recording import Block, Recording

BANANA = MONTAGES["longitudinal-bipolar"]
CHB_MIT = (
    "FP1-F7 F7-T7 T7-P7 P7-O1 FP1-F3 F3-C3 C3-P3 P3-O1 FP2-F4 F4-C4 C4-P4 P4-O2 FP2-F8 F8-T8 "
    "T8-P8-0 P8-O2 FZ-CZ CZ-PZ P7-T7 T7-FT9 FT9-FT10 FT10-T8 T8-P8-1"
)


class Noise:
    def read(self, first: int, last: int, picks: Sequence[int]) -> np.ndarray:
        rng = np.random.default_rng(0)
        return rng.standard_normal((200, last)).astype(np.float32)[list(picks), first:last]


def recording(names: Sequence[str], eeg: Sequence[bool] | None = None) -> Recording:
    return Recording(
        Path("a.edf"), "0" * 64, 100.0, tuple(names), (Block(0.0, 0, 50),), None, (), (), Noise(),
        tuple(eeg) if eeg is not None else (True,) * len(names), "test",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("label", "anode", "cathode"),
    [
        ("Fp1", "Fp1", None), ("FP1", "Fp1", None), ("EEG Fp1", "Fp1", None),
        ("EEG FP1-REF", "Fp1", None), ("EEG Fp1-LE", "Fp1", None), ("Fp1-Avg", "Fp1", None),
        ("Fc5.", "FC5", None), ("Cz..", "Cz", None), ("EEG F1-Ref-0", "F1", None),
        ("C3-A2", "C3", None), ("EEG C4-M1", "C4", None), ("T3", "T7", None),
        ("T6-Avg", "P8", None), ("FP1-F7", "Fp1", "F7"), ("T8-P8-1", "T8", "P8"),
        ("EEG Fpz-Cz", "Fpz", "Cz"), ("T3-T5", "T7", "P7"), ("POL Fp2", "Fp2", None),
        ("C3-0", "C3", None),
    ],
)  # fmt: skip
def test_labels(label: str, anode: str, cathode: str | None) -> None:
    assert parse_label(label) == Derivation(anode, cathode)


@pytest.mark.parametrize(
    "label",
    ["ECG", "ECG ECG", "EKG", "-", "--0", ".", "", "EEG A2-A1", "A1", "M2", "EOG1", "Status",
     "EEG Channel-1", "Fp1-ECG", "X1-Fp1", "VNS", "DC01", "Fp1-F7-T7", "REF_EEG REF_EEG"],
)  # fmt: skip
def test_labels_that_are_no_electrode(label: str) -> None:
    assert parse_label(label) is None


def test_bipolar_recording_is_taken_as_recorded() -> None:
    matrix = resolve(recording(CHB_MIT.split()), BANANA)
    assert matrix.names == tuple(d.name for d in LONGITUDINAL_BIPOLAR)
    np.testing.assert_array_equal(matrix.weights, np.eye(18))
    assert any("T8-P8 occurs more than once; channel T8-P8-0" in note for note in matrix.notes)


@pytest.mark.parametrize("pattern", ["{}", "EEG {}-REF", "EEG {}-LE", "{}-Avg"])
def test_referential_recording_gives_the_same_by_subtraction(pattern: str) -> None:
    names = [pattern.format(name) for name in reversed(ELECTRODES_10_20)]
    r = recording(names)
    matrix = resolve(r, BANANA)
    signal = r.read(0, 50)
    derived = matrix.apply(signal[list(matrix.picks)])
    for row, derivation in zip(derived, LONGITUDINAL_BIPOLAR, strict=True):
        anode = signal[names.index(pattern.format(derivation.anode))]
        cathode = signal[names.index(pattern.format(derivation.cathode))]
        np.testing.assert_allclose(row, anode - cathode, atol=1e-5)


def test_old_names_are_synonyms() -> None:
    old = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}
    assert len(resolve(recording([old.get(n, n) for n in ELECTRODES_10_20]), BANANA).names) == 18


def test_a_pair_recorded_the_other_way_round_is_turned() -> None:
    names = [n if n != "FP1-F7" else "F7-FP1" for n in CHB_MIT.split()]
    assert resolve(recording(names), BANANA).weights[0, 0] == -1


def test_missing_electrodes_are_listed() -> None:
    names = [n for n in ELECTRODES_10_20 if n not in ("Fp1", "O2")]
    with pytest.raises(MissingChannelsError, match="electrodes are missing: Fp1, O2") as caught:
        resolve(recording(names), BANANA)
    assert caught.value.missing == ("Fp1", "O2")


def test_unknown_names_can_be_mapped() -> None:
    names = [f"ch{i}" for i in range(19)]
    with pytest.raises(MissingChannelsError, match="no 10-20 electrode was recognised"):
        resolve(recording(names), BANANA)
    mapping = dict(zip(names, ELECTRODES_10_20, strict=True))
    assert len(resolve(recording(names), BANANA, mapping=mapping).names) == 18


def test_a_channel_that_is_not_eeg_is_used_only_when_mapped() -> None:
    """A temperature named T8, say, must never stand in for the electrode."""
    names = list(ELECTRODES_10_20)
    eeg = [name != "T8" for name in names]
    with pytest.raises(MissingChannelsError, match="missing: T8"):
        resolve(recording(names, eeg), BANANA)
    assert len(resolve(recording(names, eeg), BANANA, mapping={"T8": "T8"}).names) == 18


def test_average_reference_leaves_out_what_is_absent() -> None:
    matrix = resolve(recording(ELECTRODES_10_20[:10]), MONTAGES["average-reference"])
    assert len(matrix.names) == 10
    np.testing.assert_allclose(matrix.weights.sum(axis=1), 0, atol=1e-6)


def test_as_recorded_leaves_out_what_is_not_eeg() -> None:
    matrix = resolve(recording(["Fp1", "ECG", "x"], [True, False, True]), MONTAGES["as-recorded"])
    assert matrix.names == ("Fp1", "x")


def test_nan_stays_in_its_own_derivations() -> None:
    r = recording(ELECTRODES_10_20)
    matrix = resolve(r, BANANA)
    signal = r.read(0, 50)[list(matrix.picks)]
    signal[matrix.picks.index(ELECTRODES_10_20.index("F7")), 10] = np.nan
    bad = np.isnan(matrix.apply(signal))
    assert bad.sum() == 2
    assert {matrix.names[i] for i in np.flatnonzero(bad[:, 10])} == {"Fp1-F7", "F7-T7"}


def test_present_gives_what_there_is() -> None:
    assert present(recording(["Fp1", "F7", "ECG"]), LONGITUDINAL_BIPOLAR).names == ("Fp1-F7",)
    assert present(recording(["ECG"]), LONGITUDINAL_BIPOLAR).weights.shape == (0, 0)


# ---- what a reader sees: sums along recorded derivations ------------------------------------

TRANSVERSE = MONTAGES["transverse-bipolar"]


def potentials(names: Sequence[str]) -> dict[str, np.ndarray]:
    """Made-up voltages of electrodes, from which every derivation follows by subtraction."""
    rng = np.random.default_rng(7)
    return {name: rng.standard_normal(50) for name in names}


def recorded_of(volts: dict[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    pairs = [parse_label(name) for name in names]
    assert all(pair is not None for pair in pairs)
    rows = [volts[p.anode] - (volts[p.cathode] if p.cathode else 0) for p in pairs if p]
    return np.stack(rows).astype(np.float32)


def test_a_path_of_recorded_derivations_is_the_difference_of_its_ends() -> None:
    electrodes = (*ELECTRODES_10_20, "FT9", "FT10")
    volts, names = potentials(electrodes), CHB_MIT.split()
    found = shown(recording(names), TRANSVERSE)
    derived = found.matrix.apply(recorded_of(volts, names)[list(found.matrix.picks)])
    assert len(found.matrix.names) == 12
    for row, name in zip(derived, found.matrix.names, strict=True):
        anode, cathode = name.split("-")
        np.testing.assert_allclose(row, volts[anode] - volts[cathode], atol=1e-5)
    assert set(found.absent) == {"F3-Fz", "Fz-F4", "C3-Cz", "Cz-C4", "P3-Pz", "Pz-P4"}


def test_signs_follow_the_direction_of_every_recorded_pair() -> None:
    names = ["F7-Fp1", "F7-T7", "P7-T7"]  # two of them the other way round
    found = shown(recording(names), Montage("one", "One", (Derivation("Fp1", "P7"),)))
    assert found.matrix.weights.tolist() == [[-1, 1, -1]]
    assert found.matrix.inputs == ((0, 1, 2),)


def test_the_shortest_path_is_taken() -> None:
    names = ["Fp1-F7", "F7-T7", "T7-P7", "Fp1-C3", "C3-P7"]
    found = shown(recording(names), Montage("one", "One", (Derivation("Fp1", "P7"),)))
    assert found.matrix.inputs == ((3, 4),)


def test_a_recorded_pair_is_preferred_to_a_subtraction_and_that_to_a_longer_path() -> None:
    wanted = Montage("one", "One", (Derivation("Fp1", "F7"),))
    assert shown(recording(["Fp1", "F7", "Fp1-F7"]), wanted).matrix.inputs == ((2,),)
    assert shown(recording(["Fp1-C3", "Fp1", "F7", "C3-F7"]), wanted).matrix.inputs == ((1, 2),)


def test_a_pair_leads_on_from_a_referential_channel() -> None:
    found = shown(
        recording(["Fp1-REF", "F7-REF", "F7-T7"]),
        Montage("one", "One", (Derivation("Fp1", "T7"),)),
    )
    assert found.matrix.weights.tolist() == [[1, -1, 1]]


@pytest.mark.parametrize("name", ["longitudinal-bipolar", "average-reference", "as-recorded"])
def test_what_is_complete_is_shown_as_it_is_scored(name: str) -> None:
    made = recording(ELECTRODES_10_20)
    scored, seen = resolve(made, MONTAGES[name]), shown(made, MONTAGES[name])
    np.testing.assert_array_equal(seen.matrix.weights, scored.weights)
    assert (seen.matrix.names, seen.absent) == (scored.names, ())


def test_the_detector_gets_no_sums() -> None:
    names = ["Fp1-T7", "T7-F7", *CHB_MIT.split()[1:]]  # Fp1-F7 would be a sum
    assert shown(recording(names), BANANA).absent == ()
    with pytest.raises(MissingChannelsError, match="Fp1-F7"):
        resolve(recording(names), BANANA)
    assert "Fp1-F7" not in present(recording(names), LONGITUDINAL_BIPOLAR).names


def test_nothing_that_can_be_shown_is_an_error_that_says_so() -> None:
    with pytest.raises(MissingChannelsError, match="recorded against a common reference"):
        shown(recording(CHB_MIT.split()), MONTAGES["average-reference"])


def test_a_bad_electrode_is_kept_out_of_the_average_and_of_nothing_else() -> None:
    made, average = recording(ELECTRODES_10_20), MONTAGES["average-reference"]
    matrix = shown(made, average, bad=(0, 5)).matrix
    signal = made.read(0, 50)
    mean = np.delete(signal, [0, 5], axis=0).mean(axis=0)
    np.testing.assert_allclose(matrix.apply(signal[list(matrix.picks)]), signal - mean, atol=1e-5)
    assert matrix.inputs == tuple((i,) for i in range(19))
    np.testing.assert_array_equal(
        shown(made, BANANA, bad=(0, 5)).matrix.weights, resolve(made, BANANA).weights
    )
    with pytest.raises(MissingChannelsError, match="a good electrode"):
        shown(made, average, bad=range(19))


def test_every_row_knows_the_channels_of_its_anode_and_cathode() -> None:
    matrix = resolve(recording(ELECTRODES_10_20), BANANA)
    at = {name: i for i, name in enumerate(ELECTRODES_10_20)}
    assert matrix.inputs == tuple((at[d.anode], at[str(d.cathode)]) for d in LONGITUDINAL_BIPOLAR)
    assert resolve(recording(CHB_MIT.split()), BANANA).inputs == tuple((i,) for i in range(18))
