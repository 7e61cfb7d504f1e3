"""The page Inside the detector without a browser: what it says, and what it does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated_files import write_events, write_noise
from streamlit.testing.v1 import AppTest

from eegdash.checkpoints import CheckpointInfo
from eegdash.ui import cache
from eegdash.workflows.desk import Desk
from eegdash.workflows.mechanism import analyse
from eegdash.workflows.mechanism_saved import save_result
from eegdash.workflows.mechanism_windows import ActivationRequest
from eegdash.workflows.reference_sets import known_recordings

ROOT = Path(__file__).resolve().parents[2]
MAIN = str(ROOT / "eegdash" / "ui" / "main.py")
PAGE = "../../pages/mechanism.py"

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")]


@pytest.fixture(autouse=True)
def _fresh_process(desk: Desk) -> Iterator[None]:
    cache.desk.clear()
    cache.queue.clear()
    yield
    cache.queue().close()
    cache.desk.clear()
    cache.queue.clear()


def opened() -> AppTest:
    return fine(AppTest.from_file(MAIN, default_timeout=60).run().switch_page(PAGE).run())


def fine(at: AppTest) -> AppTest:
    assert [e.value for e in at.exception] == []
    return at


def texts(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.success)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def recordings(desk: Desk) -> None:
    for k in range(4):
        path = write_noise(desk.workspace.recordings / f"chb0{k + 1}_01.edf", seconds=40, seed=k)
        write_events(path, [(2, 12)], 40)


def asked(desk: Desk) -> ActivationRequest:
    """What the page asks for when nothing was chosen."""
    return ActivationRequest(
        desk.models()[0], tuple(source.path for source in known_recordings(desk)), n_windows=400
    )


def test_without_a_reference_the_page_says_how_to_give_one(desk: Desk) -> None:
    write_noise(desk.workspace.recordings / "night.edf", seconds=20)
    at = opened()
    assert "NAME_events.tsv" in texts(at)
    assert "Research use, not for diagnosis." in texts(at)


def test_nothing_is_computed_before_it_is_asked_for(desk: Desk) -> None:
    recordings(desk)
    at = opened()
    assert "4 recordings of 4 persons" in texts(at)
    assert "Look inside" in [button.label for button in at.button]
    assert cache.queue().active() == []


def test_results_are_shown_with_their_figures_and_every_view_opens(
    desk: Desk, other_model: CheckpointInfo
) -> None:
    recordings(desk)
    request = asked(desk)
    base = {"summary": "mean", "seed": 0}

    def quiet(_: float) -> None:
        pass

    analyse(desk, request, "overview", {}, quiet)
    separation = analyse(desk, request, "separation", base, quiet)
    save_result(desk, separation)
    ensembles = analyse(desk, request, "ensembles", {**base, "layer": "dense"}, quiet)
    row = ensembles["result"]["rows"][0]
    parameters = {
        "layer": "dense", "units": row["units"], "mode": "mean", "keep_only": False,
        "n_controls": 100, "seed": 0, "half": "tested",
    }  # fmt: skip
    analyse(desk, request, "silencing", parameters, quiet)
    at = opened()
    assert "held" not in texts(at)
    assert "Where in the network" in texts(at)
    assert f"{separation['result']['n_windows']} windows" in texts(at)
    at = view(at, "Ensembles and silencing")
    assert "Silencing in dense — altered model" in texts(at)
    assert "No. **Silencing this ensemble" in texts(at)
    assert "matched random ensembles" in texts(at)
    at = view(at, "Saved and findings")
    assert "Silencing the seizure ensemble drives seizure windows to chance" in texts(at)
    assert "Open" not in [line for line in texts(at).split(".") if "**Open" in line]
    for name in ("Map of windows", "Sparsity and overlap", "Units", "Changed input"):
        at = view(at, name)
        assert "Not computed yet" in texts(at), name
    # a blinded reader gets none of it
    at = fine(at.toggle(key="blinded").set_value(True).run())
    assert "withheld until you" in texts(at)
    assert "altered model" not in texts(at)
    assert "Where in the network" not in texts(at)


def view(at: AppTest, name: str) -> AppTest:
    return fine(at.segmented_control(key="mechanism-view").set_value(name).run())
