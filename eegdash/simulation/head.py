"""The head as four concentric spheres: what a source in the brain gives at the electrodes.

Lengths are in head radii, x to the right, y to the nose, z to the vertex. The potential of a
dipole ``m`` at distance ``b`` from the centre, at an electrode on the outer sphere, is the
Legendre series ``sum_n b**(n-1) g_n [n m_r P_n(c) + (m_t . e) P_n'(c)] / (4 pi sigma_1)``
with ``c`` the cosine between source and electrode ``e`` and gains ``g_n`` that follow from the
continuity of potential and current at every shell (Zhang 1995, doi:10.1088/0031-9155/40/3/001;
Berg and Scherg 1994, doi:10.1016/0013-4694(94)90113-9, give the radii and conductivities).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.montage import AVERAGE, ELECTRODES_10_20, Derivation, canonical_electrode

Float = NDArray[np.float32]
Array = NDArray[np.float64]

SHELL_RADII = (0.90, 0.92, 0.97, 1.0)
"""Outer radii of brain, fluid, skull and scalp."""
CONDUCTIVITIES = (0.33, 1.0, 0.0042, 0.33)
"""Of brain, fluid, skull and scalp of an adult, S/m; a child's skull conducts better."""
CORTEX_RADIUS = 0.84
_TERMS = 90  # 0.84**90 is 1e-7: what is left out cannot be seen
_SOURCES = 600
_PRODUCTS = 200_000  # in one call: fewer than make OpenBLAS wake its threads (262,144)


def project(fields: NDArray[Any], waves: NDArray[Any]) -> NDArray[Any]:
    """Return ``fields @ waves`` in pieces that stay on one thread.

    The matrices are flat: threads gain nothing, and on a busy machine their waiting for each other
    takes ten times as long. One thread also gives the same bits on machines of any size.
    """
    n = waves.shape[1]
    out = np.empty((len(fields), n), dtype=np.result_type(fields, waves))
    step = max(_PRODUCTS // max(fields.size, 1), 1)
    for low in range(0, n, step):
        np.matmul(fields, waves[:, low : low + step], out=out[:, low : low + step])
    return out


def _sphere(polar_deg: float, azimuth_deg: float) -> Array:
    """Point of the unit sphere; polar angle from the vertex, azimuth from the nose to the left."""
    polar, azimuth = np.deg2rad([polar_deg, azimuth_deg])
    return np.array(
        [-np.sin(polar) * np.sin(azimuth), np.sin(polar) * np.cos(azimuth), np.cos(polar)]
    )


def _between(a: Array, b: Array, share: float) -> Array:
    angle = np.arccos(np.clip(a @ b, -1, 1))
    point = np.sin((1 - share) * angle) * a + np.sin(share * angle) * b
    return np.asarray(point / np.linalg.norm(point))


def _electrodes() -> dict[str, Array]:
    """Place the 10-10 electrodes: the ring 72 degrees from the vertex, then arcs to the midline."""
    places = {"Cz": _sphere(0, 0)}
    for name, polar in (("Fpz", 72), ("AFz", 54), ("Fz", 36), ("FCz", 18)):
        places[name] = _sphere(polar, 0)
    for name, polar in (("CPz", 18), ("Pz", 36), ("POz", 54), ("Oz", 72), ("Iz", 90)):
        places[name] = _sphere(polar, 180)
    ring = "Fp1:Fp2 AF7:AF8 F7:F8 FT7:FT8 T7:T8 TP7:TP8 P7:P8 PO7:PO8 O1:O2".split()
    below = "- - F9:F10 FT9:FT10 T9:T10 TP9:TP10 P9:P10 PO9:PO10 O9:O10".split()
    for k, (upper, lower) in enumerate(zip(ring, below, strict=True)):
        for polar, pair in ((72, upper), (90, lower)):
            if pair != "-":
                left, right = pair.split(":")
                places[left] = _sphere(polar, 18 + 18 * k)
                places[right] = _sphere(polar, -18 - 18 * k)
    rows = {
        "AF": ("AF7", "AFz", "AF8"), "F": ("F7", "Fz", "F8"), "FC": ("FT7", "FCz", "FT8"),
        "C": ("T7", "Cz", "T8"), "CP": ("TP7", "CPz", "TP8"), "P": ("P7", "Pz", "P8"),
        "PO": ("PO7", "POz", "PO8"),
    }  # fmt: skip
    for row, (left, middle, right) in rows.items():
        for odd, even, share in ((5, 6, 0.25), (3, 4, 0.5), (1, 2, 0.75)):
            for end, number in ((left, odd), (right, even)):
                if canonical_electrode(f"{row}{number}") is not None:
                    places[f"{row}{number}"] = _between(places[end], places[middle], share)
    for name, polar, azimuth in (("A1", 116, 95), ("A2", 116, -95)):
        places[name] = _sphere(polar, azimuth)
    places["M1"], places["M2"] = _sphere(112, 108), _sphere(112, -108)
    return places


ELECTRODE_POSITIONS: dict[str, Array] = _electrodes()
"""Unit vectors of the electrodes of the extended 10-20 system and of the ears."""
RECORDED = (*ELECTRODES_10_20, "FT9", "FT10", "A1", "A2")
"""Electrodes at which potentials are simulated, in the order of every row."""


def shell_gains(skull_s_per_m: float, terms: int = _TERMS) -> Array:
    """Return ``g_n`` for n = 1 ... terms; ``(2n + 1) / n`` for a homogeneous sphere.

    Parameters
    ----------
    skull_s_per_m : float
        Conductivity of the skull, S/m; 0.33 makes brain, skull and scalp alike.
    terms : int

    Returns
    -------
    ndarray, shape (terms,)
    """
    n = np.arange(1, terms + 1, dtype=float)
    sigma = list(CONDUCTIVITIES)
    sigma[2] = skull_s_per_m
    return _gains(n, SHELL_RADII[:-1], sigma)


def _gains(n: Array, radii: Sequence[float], sigma: Sequence[float]) -> Array:
    """Surface potential over the outgoing coefficient of the innermost shell, from outside in."""
    rising, falling = np.ones_like(n), n / (n + 1)  # no current leaves the scalp
    for k in range(len(radii) - 1, -1, -1):
        q, ratio = radii[k], sigma[k + 1] / sigma[k]
        potential = rising * q**n + falling * q ** -(n + 1)
        slope = ratio * (n * rising * q ** (n - 1) - (n + 1) * falling * q ** -(n + 2))
        rising = ((n + 1) * potential * q**-n + slope * q ** (1 - n)) / (2 * n + 1)
        falling = (n * potential * q ** (n + 1) - slope * q ** (n + 2)) / (2 * n + 1)
    return np.asarray((2 * n + 1) / (n + 1) / falling)


def potentials(electrodes: Array, sources: Array, moments: Array, gains: Array) -> Array:
    """Return the potential of dipoles at electrodes, per unit moment (formula above).

    Parameters
    ----------
    electrodes : ndarray, shape (n_electrodes, 3)
        Unit vectors.
    sources : ndarray, shape (n_sources, 3)
        Inside the innermost shell, not at the centre.
    moments : ndarray, shape (n_sources, 3)
    gains : ndarray, shape (n_terms,)
        From :func:`shell_gains`.

    Returns
    -------
    ndarray, shape (n_electrodes, n_sources)
        Against infinity, where the current is 1 A m, the radius 1 m.
    """
    b = np.linalg.norm(sources, axis=1)
    out = sources / b[:, None]
    radial = (moments * out).sum(axis=1)
    across = electrodes @ (moments - radial[:, None] * out).T
    c = electrodes @ out.T
    before, here = np.ones_like(c), c  # P_0, P_1
    slope_before, slope = np.zeros_like(c), np.ones_like(c)
    total = np.zeros_like(c)
    power = np.ones_like(b)
    for n, gain in enumerate(gains, start=1):
        total += gain * power * (n * radial * here + across * slope)
        before, here = here, ((2 * n + 1) * c * here - n * before) / (n + 1)
        slope_before, slope = slope, slope_before + (2 * n + 1) * before
        power = power * b
    return np.asarray(total / (4 * np.pi * CONDUCTIVITIES[0]))


@lru_cache(maxsize=1)
def cortex() -> Array:
    """Return source places on the cortex, evenly spread (Fibonacci lattice); shape (n, 3)."""
    k = np.arange(_SOURCES) + 0.5
    z = 1 - 1.45 * k / _SOURCES  # down to below the ears
    azimuth = np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - z**2)
    return np.stack([ring * np.cos(azimuth), ring * np.sin(azimuth), z], axis=1)


@lru_cache(maxsize=8)
def leadfield(names: tuple[str, ...], skull_s_per_m: float) -> Array:
    """Return the potentials of radial unit dipoles of the cortex; shape (n_names, n_sources)."""
    places = np.stack([ELECTRODE_POSITIONS[name] for name in names])
    out = cortex()
    return potentials(places, CORTEX_RADIUS * out, out, shell_gains(skull_s_per_m))


@lru_cache(maxsize=64)
def _tangential(names: tuple[str, ...], skull_s_per_m: float, index: int, turn: int) -> Array:
    places = np.stack([ELECTRODE_POSITIONS[name] for name in names])
    out = cortex()[index]
    east = np.cross(out, [0.0, 0.0, 1.0])
    east /= np.linalg.norm(east) + 1e-12
    north = np.cross(east, out)
    angle = np.deg2rad(turn)
    moment = np.cos(angle) * east + np.sin(angle) * north
    field = potentials(places, CORTEX_RADIUS * out[None], moment[None], shell_gains(skull_s_per_m))
    return np.asarray(field[:, 0])


def patch(
    centre: Array,
    extent_deg: float,
    *,
    skull_s_per_m: float = CONDUCTIVITIES[2],
    names: tuple[str, ...] = RECORDED,
    tilt: float = 0.0,
    turn_deg: int = 0,
) -> Float:
    """Return the field of an active patch of cortex, 1 at its largest.

    Parameters
    ----------
    centre : ndarray, shape (3,)
        Direction of its centre.
    extent_deg : float
        Standard deviation of its activity seen from the centre of the head, degrees.
    skull_s_per_m : float
    names : tuple of str
        Electrodes.
    tilt : float
        Share of a tangential dipole at the centre (a sulcus), 0 to 1.
    turn_deg : int
        Direction of that dipole.

    Returns
    -------
    ndarray of float32, shape (n_names,)
        Superficial negativity, as of most cortical discharges, is -1 times this.
    """
    angle = np.arccos(np.clip(cortex() @ centre, -1, 1))
    weight = np.exp(-0.5 * (angle / np.deg2rad(extent_deg)) ** 2)
    field = leadfield(names, skull_s_per_m) @ weight
    field /= np.abs(field).max()
    if tilt:
        across = _tangential(names, skull_s_per_m, int(angle.argmin()), turn_deg)
        field = (1 - tilt) * field + tilt * across / np.abs(across).max()
        field /= np.abs(field).max()
    return np.asarray(field, dtype=np.float32)


@lru_cache(maxsize=16)
def eye_field(names: tuple[str, ...], axis: str) -> Float:
    """Return the field of both eyes turning, 1 at its largest.

    The eye is a dipole from retina to cornea in front of the skull: two dipoles in a
    homogeneous sphere, upward for a blink (``"up"``), to the left for a gaze (``"left"``).
    """
    n = np.arange(1, _TERMS + 1, dtype=float)
    places = np.stack([ELECTRODE_POSITIONS[name] for name in names])
    eyes = 0.86 * np.stack([_sphere(98, 21), _sphere(98, -21)])
    direction = {"up": [0.0, 0.35, 0.94], "left": [-1.0, 0.0, 0.0]}[axis]
    field = potentials(places, eyes, np.array([direction] * 2), (2 * n + 1) / n).sum(axis=1)
    return np.asarray(field / np.abs(field).max(), dtype=np.float32)


def near(names: tuple[str, ...], centre: Array, extent_deg: float) -> Float:
    """Return how strongly something at the skin (muscle, an electrode) reaches electrodes, 0-1."""
    places = np.stack([ELECTRODE_POSITIONS[name] for name in names])
    angle = np.arccos(np.clip(places @ centre, -1, 1))
    return np.asarray(np.exp(-0.5 * (angle / np.deg2rad(extent_deg)) ** 2), dtype=np.float32)


def recorded_as(derivations: Sequence[Derivation], reference: str, names: tuple[str, ...]) -> Float:
    """Return the matrix from potentials at electrodes to channels.

    Parameters
    ----------
    derivations : sequence of Derivation
        A channel each; without a cathode against the reference.
    reference : str
        ``ears`` (mean of A1 and A2), ``average`` (mean of the 19), or an electrode.
    names : tuple of str
        Electrodes of the potentials.

    Returns
    -------
    ndarray of float32, shape (n_derivations, n_names)
    """
    index = {name: k for k, name in enumerate(names)}
    ground = np.zeros(len(names), dtype=np.float32)
    members = {"ears": ("A1", "A2"), AVERAGE: tuple(ELECTRODES_10_20)}.get(reference, (reference,))
    for member in members:
        ground[index[member]] = 1 / len(members)
    matrix = np.zeros((len(derivations), len(names)), dtype=np.float32)
    for row, derivation in zip(matrix, derivations, strict=True):
        row[index[derivation.anode]] = 1
        if derivation.cathode is None or derivation.cathode not in index:
            row -= ground
        else:
            row[index[derivation.cathode]] -= 1
    return matrix
