"""The head model against closed forms and against MNE's sphere."""

from __future__ import annotations

import mne
import numpy as np
import pytest

from eegdash.montage import ELECTRODES_10_20, canonical_electrode, parse_label
from eegdash.simulation.head import (
    CONDUCTIVITIES,
    CORTEX_RADIUS,
    ELECTRODE_POSITIONS,
    RECORDED,
    SHELL_RADII,
    cortex,
    eye_field,
    patch,
    potentials,
    project,
    recorded_as,
    shell_gains,
)

NAMES = list(RECORDED)
PLACES = np.stack([ELECTRODE_POSITIONS[name] for name in ELECTRODES_10_20])


def dipoles(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    direction = rng.standard_normal((n, 3))
    direction[:, 2] = np.abs(direction[:, 2])
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * rng.uniform(0.3, 0.82, (n, 1)), rng.standard_normal((n, 3))


def test_homogeneous_sphere_is_the_closed_form() -> None:
    # Neumann's function of the sphere: a point current at r0 gives, at e on the surface,
    # (2 / d + ln(2 / (1 - e.r0 + d))) / (4 pi sigma), d = |e - r0|; the dipole is its gradient
    sources, moments = dipoles(40)
    n = np.arange(1, 161, dtype=float)
    found = potentials(PLACES, sources, moments, (2 * n + 1) / n)
    for k, (r0, moment) in enumerate(zip(sources, moments, strict=True)):
        for row, e in enumerate(PLACES):
            d = np.linalg.norm(e - r0)
            gradient = 2 * (e - r0) / d**3 + (e + (e - r0) / d) / (1 - e @ r0 + d)
            expected = gradient @ moment / (4 * np.pi * CONDUCTIVITIES[0])
            assert found[row, k] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_four_equal_shells_are_one_sphere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegdash.simulation.head.CONDUCTIVITIES", (0.33, 0.33, 0.33, 0.33))
    n = np.arange(1, 91)
    np.testing.assert_allclose(shell_gains(0.33), (2 * n + 1) / n, rtol=1e-9)


def test_four_shells_agree_with_mne() -> None:
    radius_m = 0.09
    sphere = mne.make_sphere_model(
        (0.0, 0.0, 0.0), radius_m, relative_radii=SHELL_RADII, sigmas=CONDUCTIVITIES, verbose=False
    )
    places = {name: ELECTRODE_POSITIONS[name] * radius_m for name in ELECTRODES_10_20}
    montage = mne.channels.make_dig_montage(places, coord_frame="head")
    info = mne.create_info(ELECTRODES_10_20, 256.0, "eeg").set_montage(montage)
    sources, moments = dipoles(12)
    sources = 0.6 / np.linalg.norm(sources, axis=1, keepdims=True) * sources
    moments /= np.linalg.norm(moments, axis=1, keepdims=True)
    dipole = mne.Dipole(
        np.arange(12.0), sources * radius_m, np.full(12, 1e-9), moments, np.full(12, 99.0)
    )
    forward, _ = mne.make_forward_dipole(dipole, sphere, info, verbose=False)
    expected = (
        np.stack(
            [forward["sol"]["data"][:, 3 * k : 3 * k + 3] @ moments[k] for k in range(12)], axis=1
        )
        if forward["sol"]["data"].shape[1] == 36
        else forward["sol"]["data"]
    )
    found = potentials(PLACES, sources, moments, shell_gains(CONDUCTIVITIES[2])) / radius_m**2
    # MNE fits three dipoles to the series (Berg and Scherg), and is right to a few per cent
    for a, b in zip((found - found.mean(0)).T, (expected - expected.mean(0)).T, strict=True):
        assert np.corrcoef(a, b)[0, 1] > 0.999
        assert np.linalg.norm(a) == pytest.approx(np.linalg.norm(b), rel=0.05)


def test_electrodes_lie_where_the_10_20_system_puts_them() -> None:
    for name, place in ELECTRODE_POSITIONS.items():
        assert canonical_electrode(name) == name
        assert np.linalg.norm(place) == pytest.approx(1)
    for left, right in (("Fp1", "Fp2"), ("F7", "F8"), ("T7", "T8"), ("P3", "P4"), ("O1", "O2")):
        mirrored = ELECTRODE_POSITIONS[left] * [-1, 1, 1]
        np.testing.assert_allclose(mirrored, ELECTRODE_POSITIONS[right], atol=1e-12)
    assert ELECTRODE_POSITIONS["T7"][0] < -0.9
    assert ELECTRODE_POSITIONS["Oz"][1] < -0.9 < 0.9 < ELECTRODE_POSITIONS["Fpz"][1]
    assert ELECTRODE_POSITIONS["Cz"][2] == 1


def test_a_skull_that_conducts_better_blurs_less() -> None:
    share = [
        np.abs(patch(ELECTRODE_POSITIONS["C3"], 6.0, skull_s_per_m=sigma)).sum()
        for sigma in (0.003, 0.03)
    ]
    assert share[0] > share[1]


def test_a_patch_is_largest_above_itself() -> None:
    for name in ELECTRODES_10_20:
        field = patch(ELECTRODE_POSITIONS[name], 12.0)
        assert NAMES[int(np.abs(field[:19]).argmax())] == name
    assert len(cortex()) == len(np.unique(cortex().round(6), axis=0))
    assert SHELL_RADII[0] > CORTEX_RADIUS


def test_a_blink_is_frontal_and_positive_and_a_gaze_has_two_signs() -> None:
    up = dict(zip(NAMES, eye_field(RECORDED, "up"), strict=True))
    assert min(up["Fp1"], up["Fp2"]) > 2 * max(up["F3"], up["F7"], up["Cz"]) > 0
    left = dict(zip(NAMES, eye_field(RECORDED, "left"), strict=True))
    assert left["F7"] > 0.5
    assert left["F7"] == pytest.approx(-left["F8"], abs=1e-6)


def test_channels_are_differences_to_the_reference() -> None:
    derivations = [parse_label(name) for name in ("Fp1-F7", "Cz")]
    known = [d for d in derivations if d is not None]
    uv = np.random.default_rng(1).standard_normal((len(NAMES), 5)).astype(np.float32)
    at = dict(zip(NAMES, uv, strict=True))
    ears = recorded_as(known, "ears", RECORDED) @ uv
    np.testing.assert_allclose(ears[0], at["Fp1"] - at["F7"], atol=1e-6)
    np.testing.assert_allclose(ears[1], at["Cz"] - (at["A1"] + at["A2"]) / 2, atol=1e-6)
    average = recorded_as(known, "average", RECORDED) @ uv
    np.testing.assert_allclose(average[1], at["Cz"] - uv[:19].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(("rows", "inner", "n"), [(23, 23, 8192), (19, 1, 7), (600, 3, 600)])
def test_projecting_in_pieces_is_the_matrix_product(rows: int, inner: int, n: int) -> None:
    rng = np.random.default_rng(2)
    fields, waves = rng.standard_normal((rows, inner)), rng.standard_normal((inner, n))
    np.testing.assert_allclose(project(fields, waves), fields @ waves, rtol=1e-12, atol=1e-12)
