"""Which methods fit a model: tried once with torch, then read from the cache."""

from __future__ import annotations

from eegdash.attribution import METHODS
from eegdash.cache import cache_key
from eegdash.checkpoints import CheckpointInfo
from eegdash.workflows.desk import Desk
from eegdash.workflows.explain_material import loaded_detector

_VERSION = 1


def unsuitable_methods(desk: Desk, model: str) -> dict[str, str]:
    """Return why methods do not fit a model, by name of the method; those that fit are absent.

    Loads the network; the result is stored.
    """
    info = desk.model(model)
    stored = stored_unsuitable_methods(desk, info)
    if stored is not None:
        return stored
    detector = loaded_detector(info.folder, info.sha256, desk.settings.trusted_packages)
    problems = {name: method.problem(detector) for name, method in METHODS.items()}
    found = {name: problem for name, problem in problems.items() if problem}
    desk.cache.put_json(_key(info), found)
    return found


def stored_unsuitable_methods(desk: Desk, model: CheckpointInfo) -> dict[str, str] | None:
    """Return a stored result of :func:`unsuitable_methods`, or None; needs no torch."""
    kept = desk.cache.get_json(_key(model))
    return {str(k): str(v) for k, v in kept.items()} if isinstance(kept, dict) else None


def _key(info: CheckpointInfo) -> str:
    return cache_key("", info.sha256, "explain-methods", version=_VERSION, names=list(METHODS))
