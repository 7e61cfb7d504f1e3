"""Settings: one frozen dataclass, read from environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MAX_UPLOAD_MB = 200
_OFF = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation decides.

    Parameters
    ----------
    workspace : Path
        Folder with recordings, labels, cache, reports and fine-tuned models
        (``EEGDASH_WORKSPACE``, default ``workspace`` in the current folder).
    trusted_packages : tuple of str
        Packages from which a model folder may import its architecture
        (``EEGDASH_TRUSTED_PACKAGES``, comma separated, default none).
    blinded : bool
        Whether every reader reads blinded first: the detector's output is withheld until the
        first read of a recording is committed (``EEGDASH_BLINDED=1``; 0, false,
        no, off or nothing is off).
    adjudicators : tuple of str
        Names of those who may adjudicate (``EEGDASH_ADJUDICATORS``, comma separated); with none
        named, every reader may take that role.
    others_hidden : bool
        Whether readers are not shown what others said (``EEGDASH_OTHERS_LABELS=hidden``; default
        ``shown``). Adjudicators are: name them, or every reader could take that role and look.
    labels_url : str
        Where labels are kept that several servers share
        (``EEGDASH_LABELS_URL=postgresql+psycopg://user:password@host/database``); empty is the
        labels file of the workspace. Never shown: it may hold a password.
    llm_base_url, llm_model : str
        Endpoint that speaks the OpenAI protocol, e.g. ``http://127.0.0.1:8080/v1``, and the model
        to ask there (``EEGDASH_LLM_BASE_URL``, ``EEGDASH_LLM_MODEL``). Without both, reports are
        worded by the program alone.
    llm_api_key : str
        ``EEGDASH_LLM_API_KEY``; local servers as a rule want none. Never shown.
    llm_images : bool
        Whether that model takes images (``EEGDASH_LLM_IMAGES=1``): it is then sent figures, too.
    log : str
        ``json`` writes the log as one JSON object a line (``EEGDASH_LOG=json``).
    """

    workspace: Path
    trusted_packages: tuple[str, ...] = ()
    blinded: bool = False
    adjudicators: tuple[str, ...] = ()
    others_hidden: bool = False
    labels_url: str = field(default="", repr=False)
    llm_base_url: str = ""
    llm_model: str = ""
    llm_api_key: str = field(default="", repr=False)
    llm_images: bool = False
    log: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from ``environment`` (default: the process environment)."""
        env = os.environ if environment is None else environment
        return cls(
            # set but empty, as a compose file leaves it, is not the current folder
            workspace=Path(env.get("EEGDASH_WORKSPACE") or "workspace").resolve(),
            trusted_packages=_names(env.get("EEGDASH_TRUSTED_PACKAGES", "")),
            blinded=_is_on(env.get("EEGDASH_BLINDED", "")),
            adjudicators=_names(env.get("EEGDASH_ADJUDICATORS", "")),
            # only a clear "shown" is one, so that no misspelling shows what was to be hidden
            others_hidden=env.get("EEGDASH_OTHERS_LABELS", "").strip().lower() not in ("", "shown"),
            labels_url=env.get("EEGDASH_LABELS_URL", "").strip(),
            llm_base_url=env.get("EEGDASH_LLM_BASE_URL", "").strip(),
            llm_model=env.get("EEGDASH_LLM_MODEL", "").strip(),
            llm_api_key=env.get("EEGDASH_LLM_API_KEY", "").strip(),
            llm_images=_is_on(env.get("EEGDASH_LLM_IMAGES", "")),
            log=env.get("EEGDASH_LOG", "").strip().lower(),
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _is_on(text: str) -> bool:
    """Read a switch; only a clear "no" is one, so that no misspelling lifts the blinding."""
    return text.strip().lower() not in _OFF
