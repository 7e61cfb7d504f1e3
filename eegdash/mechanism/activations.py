"""The activations of every named layer over chosen windows, streamed to arrays on disk.

Kept is one number per unit and window (by mean and by max, see :data:`.layers.SUMMARIES`), and for
layers that keep the derivations apart the mean at each derivation. The full maps are not kept: of
2,000 windows they would be many gigabytes.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.errors import WorkspaceError
from eegdash.mechanism import calls
from eegdash.mechanism.layers import SUMMARIES, Site, by_place, sites, summarised
from eegdash.networks.hooks import hooked

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_BYTES = 1 << 30
"""Largest set of activations that is written, bytes."""
MAX_TOTAL_BYTES = 4 << 30
"""The oldest sets are removed beyond this, bytes."""
_META = "meta.json"
_FACTS = ("recording", "group", "window", "time_s", "seizure", "logit", "descriptors")
_BATCH = 64  # windows, 192 segments: some 100 MB of maps in the larger network


@dataclass(frozen=True, slots=True)
class Activations:
    """A finished set of activations; the arrays are read from disk as they are needed.

    Parameters
    ----------
    folder : Path
    meta : mapping
        ``layers`` (name, n_units, kind, rectified), ``n_windows``, ``recordings``, ``groups``,
        ``descriptors`` (names), model name and hash, and the parameters it was made with.
    """

    folder: Path
    meta: Mapping[str, Any]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in the order of the network."""
        return tuple(layer["name"] for layer in self.meta["layers"])

    def of(self, layer: str, summary: str = "mean") -> NDArray[np.float32]:
        """Return the activations of a layer, (n_windows, n_units)."""
        return self._rows(f"{layer}.{summary}")

    def places(self, layer: str) -> NDArray[np.float32] | None:
        """Return the mean activation by derivation, (n_windows, n_units, n_channels), or None."""
        there = (self.folder / f"{layer}.places.npy").exists()
        return self._rows(f"{layer}.places") if there else None

    def fact(self, name: str) -> NDArray[Any]:
        """Return one fact of each window.

        ``recording`` and ``group`` (indices into the lists of ``meta``), ``window`` (index on the
        recording's grid), ``time_s`` (centre), ``seizure`` (truth), ``logit``, or ``descriptors``
        (n_windows, n_descriptors).
        """
        return self._rows(name)

    @property
    def seizure(self) -> NDArray[np.bool_]:
        """Truth of each window, (n_windows,)."""
        return np.asarray(self.fact("seizure"), dtype=np.bool_)

    @property
    def group(self) -> NDArray[np.int64]:
        """Group of each window, (n_windows,)."""
        return np.asarray(self.fact("group"), dtype=np.int64)

    def _rows(self, name: str) -> NDArray[Any]:
        # windows that could not be scored after all left room at the end
        return _opened(self.folder / f"{name}.npy")[: int(self.meta["n_windows"])]


def _opened(path: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise WorkspaceError(
            "The stored activations are gone or damaged. Compute them again."
        ) from error
    return found


class ActivationWriter:
    """Writes activations batch by batch into memory-mapped arrays of known size.

    Nothing is found under ``folder`` before :meth:`finish`; a cancelled run leaves only a folder
    that the next run removes.

    Parameters
    ----------
    folder : Path
        Where the finished set will lie.
    network : Module
        In evaluation mode.
    n_windows : int
        At most.
    n_channels, n_descriptors : int
    max_bytes : int

    Raises
    ------
    WorkspaceError
        If the arrays would be larger than ``max_bytes``, or the disk is full.
    """

    def __init__(
        self,
        folder: Path,
        network: nn.Module,
        *,
        n_windows: int,
        n_channels: int,
        n_descriptors: int,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._folder, self._n_channels = folder, n_channels
        self.sites = sites(network)
        shapes = self._shapes(n_windows, n_descriptors)
        needed = sum(4 * int(np.prod(shape)) for shape in shapes.values())
        if needed > max_bytes:
            raise WorkspaceError(
                f"These activations would take {needed / 2**20:.0f} MB, more than the "
                f"{max_bytes / 2**20:.0f} MB allowed. Choose fewer windows."
            )
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
            self._arrays = {
                name: np.lib.format.open_memmap(
                    self._temporary / f"{name}.npy", mode="w+", dtype=_dtype(name), shape=shape
                )
                for name, shape in shapes.items()
            }
        except OSError as error:
            raise WorkspaceError(
                f"The activations cannot be written ({error.strerror}). "
                "Make room on the disk of the workspace."
            ) from error
        self._done = 0

    def _shapes(self, n: int, n_descriptors: int) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_FACTS, (n,))
        shapes["descriptors"] = (n, n_descriptors)
        for site in self.sites:
            for summary in SUMMARIES:
                shapes[f"{site.layer}.{summary}"] = (n, site.n_units)
            if site.kind == "map":
                shapes[f"{site.layer}.places"] = (n, site.n_units, self._n_channels)
        return shapes

    def add(
        self,
        network: nn.Module,
        features: NDArray[np.float32],
        facts: Mapping[str, NDArray[Any]],
    ) -> None:
        """Take windows: features (n, 3, *input_shape), and their facts except the logit.

        The network is that of the writer, as it judges the recording of these windows.
        """
        for first in range(0, len(features), _BATCH):
            part = slice(first, first + _BATCH)
            found = window_activations(
                network, self.sites, features[part], n_channels=self._n_channels
            )
            rows = slice(self._done, self._done + len(features[part]))
            for name, values in found.items():
                self._arrays[name][rows] = values
            for name, values in facts.items():
                self._arrays[name][rows] = values[part]
            self._done = rows.stop

    def finish(self, meta: Mapping[str, Any]) -> Activations:
        """Close the arrays, put the set in its place and return it.

        ``meta`` is what there is to say about the set, as JSON values.
        """
        for array in self._arrays.values():
            array.flush()
        self._arrays.clear()
        layers = [
            {"name": s.layer, "n_units": s.n_units, "kind": s.kind, "rectified": s.rectified}
            for s in self.sites
        ]
        content = {**meta, "layers": layers, "n_windows": self._done}
        (self._temporary / _META).write_text(json.dumps(content), encoding="utf-8")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._temporary.replace(self._folder)
        return Activations(self._folder, content)

    def discard(self) -> None:
        """Remove what was written so far; without effect after :meth:`finish`."""
        self._arrays.clear()
        shutil.rmtree(self._temporary, ignore_errors=True)


def _dtype(name: str) -> Any:
    return {"recording": np.int32, "group": np.int32, "window": np.int32, "seizure": np.int8}.get(
        name, np.float32
    )


def window_activations(
    network: nn.Module,
    layers: Sequence[Site],
    features: NDArray[np.float32],
    *,
    n_channels: int,
) -> dict[str, NDArray[np.float32]]:
    """Return the logits and the activations of windows.

    Parameters
    ----------
    network : Module
    layers : sequence of Site
    features : ndarray of float32, shape (n, 3, *input_shape)
    n_channels : int
        Number of derivations.

    Returns
    -------
    dict
        ``logit`` (n,), ``LAYER.mean`` and ``LAYER.max`` (n, n_units) and, where the layer keeps
        them apart, ``LAYER.places`` (n, n_units, n_channels).
    """
    import torch

    found: dict[str, NDArray[np.float32]] = {}

    def keep(site: Site) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            values = site.values(output)
            for summary in SUMMARIES:
                part = summarised(site, values, summary)
                found[f"{site.layer}.{summary}"] = _of_windows(site, part, summary).numpy()
            places = by_place(site, values, n_channels)
            if places is not None:
                found[f"{site.layer}.places"] = _of_windows(site, places, "mean").numpy()

        return hook

    with (
        torch.inference_mode(),
        hooked({network.get_submodule(site.module): keep(site) for site in layers}),
    ):
        tensor = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
        found["logit"] = calls.window_logits(network, tensor).numpy()
    return found


def _of_windows(site: Site, values: Tensor, summary: str) -> Tensor:
    """Join the three segments of each window; what the head gives is of windows already."""
    if not site.in_encoder:
        return values
    joined = values.reshape(len(values) // 3, 3, *values.shape[1:])
    return joined.amax(dim=1) if summary == "max" else joined.mean(dim=1)


def load(folder: Path) -> Activations | None:
    """Return a finished set, None where there is none or its description is damaged."""
    try:
        meta = json.loads((folder / _META).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Activations(folder, meta) if isinstance(meta, dict) and "layers" in meta else None


def prune(parent: Path, *, keep: Path | None = None, max_bytes: int = MAX_TOTAL_BYTES) -> None:
    """Remove unfinished sets, and the oldest finished ones beyond ``max_bytes``.

    Parameters
    ----------
    parent : Path
        Folder of the sets.
    keep : Path, optional
        A set that stays in any case.
    max_bytes : int
    """
    if not parent.is_dir():
        return
    known = []
    for folder in parent.iterdir():
        if folder.name.startswith(".writing-"):
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.is_dir() and not folder.is_symlink():
            size = sum(f.stat().st_size for f in folder.iterdir() if f.is_file())
            known.append((folder.stat().st_mtime, size, folder))
    total = sum(size for _, size, _ in known)
    for _, size, folder in sorted(known):
        if total <= max_bytes:
            break
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
