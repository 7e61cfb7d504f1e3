"""What is prepared for the display: stored once, read back the same, completed when it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from simulated_files import write_noise

from eegdash.errors import MissingChannelsError, RecordingError
from eegdash.plotting import trend_tiles
from eegdash.plotting.pyramid import LEVELS
from eegdash.plotting.spectrogram_tiles import spectrogram_tiles
from eegdash.plotting.trend_tiles import AEEG, KINDS, RHYTHMICITY, SPECTROGRAM
from eegdash.workflows import display, library
from eegdash.workflows.desk import Desk
from eegdash.workflows.tasks import tasks


@pytest.fixture
def path(desk: Desk) -> Path:
    return write_noise(desk.workspace.recordings / "night.edf")


def test_prepared_tiles_are_those_of_the_recording(desk: Desk, path: Path) -> None:
    told: list[float] = []
    assert display.prepare_display(desk, path, told.append)
    assert told[-1] == 1
    opened = library.open_path(desk, path)
    kinds = set()
    for kind, level, index, values in trend_tiles.prepared_tiles(opened.recording):
        stored = display.display_tile(desk, display.display_key(opened, kind), level, index)
        assert stored is not None
        assert np.array_equal(stored, values)
        assert display.display_has(opened, kind, level, index)
        kinds.add(kind)
    assert kinds == set(KINDS)
    key = display.display_key(opened, SPECTROGRAM)
    assert display.display_tile(desk, key, 0, 1) is None
    for kind in KINDS:
        assert not display.display_has(opened, kind, 0, 1)
        assert not display.display_has(opened, kind, LEVELS, 0)
        assert not display.display_has(opened, kind, -1, 0)


def test_a_recording_prepared_before_there_were_trends_gets_them_and_no_more(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = library.open_path(desk, path)
    key = display.display_key(opened, SPECTROGRAM)
    for kind, level, index, values in trend_tiles.prepared_tiles(
        opened.recording, kinds=[SPECTROGRAM]
    ):
        assert kind == SPECTROGRAM
        desk.cache.put_array(f"{key}-{level}-{index}", values)
    put = type(desk.cache).put_array
    written: list[str] = []

    def noted(self: object, key: str, values: NDArray[np.uint8]) -> bool:
        written.append(key)
        return put(desk.cache, key, values)

    monkeypatch.setattr(type(desk.cache), "put_array", noted)
    assert display.prepare_display(desk, path)
    for kind in (AEEG, RHYTHMICITY):
        assert display.display_tile(desk, display.display_key(opened, kind), 0, 0) is not None
    assert written
    assert not any(name.startswith(key) for name in written)


def test_preparing_again_computes_only_what_is_gone(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    display.prepare_display(desk, path)
    again: list[float] = []
    assert display.prepare_display(desk, path, again.append)
    assert again == []
    # the cache makes room by dropping its oldest values, which are tiles
    get = type(desk.cache).get_array
    key = f"{display.display_key(library.open_path(desk, path), SPECTROGRAM)}-1-0"
    monkeypatch.setattr(
        type(desk.cache),
        "get_array",
        lambda self, wanted: None if wanted == key and not again else get(self, wanted),
    )
    assert display.prepare_display(desk, path, again.append)
    assert again[-1] == 1


def test_a_recording_without_eeg_has_nothing_to_prepare_and_says_so_twice(
    desk: Desk, data_pack: Path
) -> None:
    source = data_pack / "hostile" / "SC4001EC-Hypnogram.edf"
    path = desk.workspace.recordings / source.name
    path.write_bytes(source.read_bytes())
    assert display.prepare_display(desk, path) is False
    assert display.prepare_display(desk, path) is False


def test_tiles_that_cannot_be_kept_are_an_error(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(desk.cache), "put_array", lambda self, key, array: False)
    with pytest.raises(RecordingError, match="disk of the workspace is full"):
        display.prepare_display(desk, path)
    with pytest.raises(RecordingError, match="disk of the workspace is full"):
        display.prepare_chosen(desk, path, "as-recorded", [0])


def test_a_key_follows_content_channel_map_and_kind(desk: Desk, path: Path) -> None:
    opened = library.open_path(desk, path)
    key = display.display_key(opened, SPECTROGRAM)
    mapped = replace(opened, mapping={"E1": "Fp1"})
    other = replace(opened, recording=replace(opened.recording, sha256="f" * 64))
    keys = [display.display_key(other_one, SPECTROGRAM) for other_one in (mapped, other)]
    keys += [display.display_key(opened, kind) for kind in KINDS]
    assert len(set(keys)) == 5
    assert display.display_key_of(opened.recording.sha256, {}, SPECTROGRAM) == key
    with pytest.raises(KeyError):
        display.display_key(opened, "unknown")


def test_a_channel_marked_bad_is_kept_out_of_the_average_of_chosen_rows(
    desk: Desk, path: Path
) -> None:
    opened = library.open_path(desk, path)
    (good,) = display.chosen_panels(opened, "average-reference", [0])
    (without,) = display.chosen_panels(opened, "average-reference", [0], [3])
    assert 3 in good.matrix.picks
    assert 3 not in without.matrix.picks
    assert display.chosen_key(opened, [good]) != display.chosen_key(opened, [without])


# ---- chosen rows ---------------------------------------------------------------------------------


def test_chosen_tiles_are_computed_at_once_or_by_the_worker_and_are_the_same(desk: Desk) -> None:
    path = write_noise(desk.workspace.recordings / "long.edf", seconds=1100)
    opened = library.open_path(desk, path)
    panels = display.chosen_panels(opened, "longitudinal-bipolar", [4, 0])
    assert [panel.title for panel in panels] == ["Fp1-F3", "Fp1-F7"]
    at_once = {
        (level, index): display.chosen_tile(desk, opened, panels, level, index)
        for level, index in [(0, 0), (0, 4), (1, 0), (1, 1), (2, 0), (3, 0)]
    }
    assert [at for at, values in at_once.items() if values is None] == [(2, 0), (3, 0)]
    told: list[float] = []
    result = tasks(desk)["chosen"](
        {"path": str(path), "montage": "longitudinal-bipolar", "rows": [4, 0], "bad": []},
        told.append,
    )
    assert result == {"rows": 2}
    assert told[-1] == 1
    for level, index, power in spectrogram_tiles(opened.recording, panels):
        stored = display.chosen_tile(desk, opened, panels, level, index)
        assert stored is not None
        assert np.array_equal(stored, power)
        direct = at_once.get((level, index))
        if direct is not None:
            assert np.abs(direct.astype(int) - power.astype(int)).max() <= 1


def test_chosen_rows_have_their_own_key_by_what_they_are_sums_of(desk: Desk, path: Path) -> None:
    opened = library.open_path(desk, path)
    choices = [
        ("longitudinal-bipolar", [0]), ("longitudinal-bipolar", [1]), ("average-reference", [0]),
        ("as-recorded", [0]), ("as-recorded", [0, 1]), ("as-recorded", [1, 0]),
    ]  # fmt: skip
    keys = {
        display.chosen_key(opened, display.chosen_panels(opened, montage, rows))
        for montage, rows in choices
    }
    assert len(keys) == len(choices)
    # the same derivation by another way is the same picture: Fp1-F7 in both montages
    chosen = [
        display.chosen_panels(opened, "longitudinal-bipolar", [0]),
        display.chosen_panels(opened, "transverse-bipolar", [0]),
    ]
    titles = [panels[0].title for panels in chosen]
    assert titles == ["Fp1-F7", "F7-Fp1"]
    assert display.chosen_key(opened, chosen[0]) != display.chosen_key(opened, chosen[1])


def test_a_choice_that_cannot_be_is_refused(desk: Desk, path: Path) -> None:
    opened = library.open_path(desk, path)
    with pytest.raises(KeyError):
        display.chosen_panels(opened, "unknown", [0])
    with pytest.raises(ValueError, match="one to 4 different rows"):
        display.chosen_panels(opened, "as-recorded", list(range(5)))
    panels = display.chosen_panels(opened, "as-recorded", [0])
    for level, index in ((0, 1), (4, 0), (2, 1)):
        with pytest.raises(IndexError):
            display.chosen_tile(desk, opened, panels, level, index)
    some = write_noise(desk.workspace.recordings / "net.edf", names=["E1", "E2"])
    with pytest.raises(MissingChannelsError):
        display.chosen_panels(library.open_path(desk, some), "longitudinal-bipolar", [0])
