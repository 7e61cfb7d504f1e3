"""The state of a training after each epoch, so that it goes on after a kill.

``state-<epoch>.safetensors`` holds weights and the optimiser's moments, ``state.json`` the rest
and names that file with its SHA-256. The JSON file is replaced last, in one step: whenever the
process ends, what it names is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eegdash.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

STATE_NAME = "state.json"


@dataclass(frozen=True, slots=True)
class StateFolder:
    """A folder for the state of one training.

    Parameters
    ----------
    folder : Path
    recipe : str
        Fingerprint of everything that decides the result; another training's state is refused.
    """

    folder: Path
    recipe: str

    def save(
        self,
        network: nn.Module,
        optimiser: Optimizer,
        epoch: int,
        curves: Mapping[str, list[float]],
    ) -> None:
        """Save the state after ``epoch`` epochs."""
        from safetensors.torch import save

        tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
        content: bytes = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"state-{epoch}.safetensors"
        write_whole(self.folder / name, content)
        facts = {
            "recipe": self.recipe,
            "epoch": epoch,
            "file": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "curves": dict(curves),
        }
        write_whole(self.folder / STATE_NAME, json.dumps(facts).encode())
        for old in self.folder.glob("state-*.safetensors"):
            if old.name != name:
                old.unlink()

    def load(
        self, network: nn.Module, optimiser: Optimizer
    ) -> tuple[int, dict[str, list[float]]] | None:
        """Restore the last state in place and return its epoch and curves; None without one.

        Raises
        ------
        CheckpointError
            If the state is of another training, or was damaged.
        """
        path = self.folder / STATE_NAME
        if not path.is_file():
            return None
        from safetensors.torch import load

        try:
            facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            content = (self.folder / str(facts["file"])).read_bytes()
        except (OSError, ValueError, KeyError) as error:
            raise self._refused("cannot be read") from error
        if facts["recipe"] != self.recipe:
            raise self._refused("belongs to a training with other data or other parameters")
        if hashlib.sha256(content).hexdigest() != facts["sha256"]:
            raise self._refused("was damaged")
        tensors: dict[str, Tensor] = load(content)
        network.load_state_dict(_part(tensors, "network"))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in _part(tensors, "optimiser").items():
            index, _, name = key.partition(".")
            moments.setdefault(int(index), {})[name] = value
        optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
        return int(facts["epoch"]), {k: list(v) for k, v in facts["curves"].items()}

    def _refused(self, why: str) -> CheckpointError:
        return CheckpointError(
            f"The unfinished training in {self.folder.name} {why}. Remove that folder to start "
            "anew, or repeat the command with which it was begun."
        )


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
