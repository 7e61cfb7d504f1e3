"""Settings from environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from eegdash.settings import Settings


def test_workspace_is_beside_the_current_folder_by_default() -> None:
    assert Settings.from_environment({}).workspace == Path.cwd() / "workspace"


def test_an_empty_variable_is_not_the_current_folder() -> None:
    found = Settings.from_environment({"EEGDASH_WORKSPACE": ""})
    assert found.workspace == Path.cwd() / "workspace"


def test_workspace_becomes_absolute(tmp_path: Path) -> None:
    found = Settings.from_environment({"EEGDASH_WORKSPACE": str(tmp_path / "a" / ".." / "b")})
    assert found.workspace == (tmp_path / "b").resolve()


@pytest.mark.parametrize(
    ("text", "packages"),
    [("", ()), ("mine", ("mine",)), (" mine , yours ,,", ("mine", "yours"))],
)
def test_trusted_packages_are_a_comma_list(text: str, packages: tuple[str, ...]) -> None:
    assert (
        Settings.from_environment({"EEGDASH_TRUSTED_PACKAGES": text}).trusted_packages == packages
    )


@pytest.mark.parametrize(
    ("text", "blinded"),
    [("", False), ("0", False), ("false", False), ("No", False), ("off", False), ("1", True),
     ("true", True), ("on", True), ("compulsory", True)],
)  # fmt: skip
def test_only_a_clear_no_leaves_the_blinding_to_the_reader(text: str, blinded: bool) -> None:
    assert Settings.from_environment({"EEGDASH_BLINDED": text}).blinded is blinded
    assert Settings.from_environment({}).blinded is False


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EEGDASH_TRUSTED_PACKAGES", "mine")
    assert Settings.from_environment().trusted_packages == ("mine",)
