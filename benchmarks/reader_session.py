"""A reader without a browser: the WebSocket of a tab, and the tiles that its viewer asks for.

It speaks the protocol of Streamlit's own front end (``/_stcore/stream``, protobuf messages of the
package), so that the server does for it what it does for a browser. What a browser does with the
answer is not part of it.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.figures import BenchmarkError

_TIMEOUT_S = 120.0
_PAGE_S = 10.0
_FILTERS = "1.0-70.0-0.0"
_LARGEST = 64 << 20


@dataclass(slots=True)
class Notes:
    """What readers waited for, ms by kind of action, and what went wrong."""

    waits_ms: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    n_labels: int = 0

    def waited(self, action: str, began: float) -> None:
        """Note the time since ``began`` (``time.perf_counter``)."""
        self.waits_ms.setdefault(action, []).append(1000 * (time.perf_counter() - began))

    @property
    def all_ms(self) -> list[float]:
        """All waits together, ms."""
        return [wait for waits in self.waits_ms.values() for wait in waits]


class ReaderSession:
    """One tab on the review page of one recording.

    Parameters
    ----------
    url : str
        Address of the server.
    socket : websockets connection
    notes : Notes
        Shared by all readers.
    name : str
        The reader.
    """

    def __init__(self, url: str, socket: Any, notes: Notes, name: str) -> None:
        self._url, self._socket, self.notes, self.name = url, socket, notes, name
        self._query = ""
        self._pages: dict[str, str] = {}
        self._viewer_id = self._fragment = ""
        self._state: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.texts: list[str] = []
        self._buttons: dict[str, str] = {}

    async def open_review(self, alias: str) -> None:
        """Load ``/review?recording=...`` as after typing it, then give the reader's name."""
        self._query = f"recording={alias}"
        await self._timed("load", page_name="review")
        if not self.data:
            raise BenchmarkError("The review page sent no viewer.")
        self._state = {"reader": self.name}
        await self._rerun_viewer()

    async def flip(self, page: int) -> None:
        """Fetch the next page of EEG, and tell the server of it, as the viewer does."""
        duration_s = float(self.data["recording"]["duration_s"])
        start_s = (page * _PAGE_S) % max(duration_s - _PAGE_S, _PAGE_S)
        began = time.perf_counter()
        await self._fetch(self._tile_address(int(start_s // self.data["raw"]["tile_s"][0])))
        self.notes.waited("tile", began)
        self._state["view"] = {
            "seek": self.data["seek"]["n"],
            "start_s": start_s,
            "page_s": _PAGE_S,
            "viewed": [[0.0, start_s + _PAGE_S]],
        }
        began = time.perf_counter()
        await self._rerun_viewer()
        self.notes.waited("page", began)

    async def label(self, onset_s: float) -> None:
        """Mark a missed seizure, and wait until the server says that it is saved."""
        decision = {
            "id": uuid.uuid4().hex,
            "action": "label",
            "verdict": "missed",
            "event_type": "sz",
            "onset_s": onset_s,
            "duration_s": 12.0,
            "recording_sha256": self.data["recording"]["sha256"],
        }
        self._state["decisions"] = [decision]
        began = time.perf_counter()
        await self._rerun_viewer()
        self.notes.waited("label", began)
        if decision["id"] in self.data["acked"]:
            self.notes.n_labels += 1
        else:
            said = self.data["rejected"].get(decision["id"], "no word about it")
            self.notes.errors.append(f"a label was not saved: {said}")

    async def open_list(self) -> None:
        """Load the list of recordings, or load it again."""
        self._query = ""
        await self._timed("list", page_name="")

    def has_button(self, label: str) -> bool:
        """Tell whether a button stands on the page."""
        return label in self._buttons

    async def go_to(self, page: str) -> None:
        """Go to another page by the menu."""
        await self._timed(f"go to {page}", page_hash=self._pages[page])

    async def press(self, label: str) -> None:
        """Press a button that stands on the page."""
        if label not in self._buttons:
            raise BenchmarkError(f"There is no button {label!r} on the page.")
        await self._timed(f"press {label}", pressed=self._buttons[label])

    # ---- protocol --------------------------------------------------------------------------

    async def _timed(self, action: str, **what: Any) -> None:
        began = time.perf_counter()
        await self._rerun(**what)
        self.notes.waited(action, began)

    async def _rerun_viewer(self) -> None:
        await self._rerun(fragment=self._fragment)

    async def _rerun(
        self, *, page_name: str = "", page_hash: str = "", fragment: str = "", pressed: str = ""
    ) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        state = message.rerun_script
        state.query_string = self._query
        state.page_name = page_name
        state.page_script_hash = page_hash or ("" if page_name else self._pages.get("", ""))
        state.fragment_id = fragment
        if self._viewer_id and self._state:
            widget = state.widget_states.widgets.add()
            widget.id, widget.json_value = self._viewer_id, json.dumps(self._state)
        if pressed:
            widget = state.widget_states.widgets.add()
            widget.id, widget.trigger_value = pressed, True
        if not fragment:
            self._buttons.clear()
            self.texts.clear()
        await self._socket.send(message.SerializeToString())
        await asyncio.wait_for(self._until_finished(), _TIMEOUT_S)

    async def _until_finished(self) -> None:
        """Read until the script run that was asked for, and what it led to, is over."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        early = ForwardMsg.FINISHED_EARLY_FOR_RERUN
        while True:
            message = ForwardMsg()
            message.ParseFromString(await self._socket.recv())
            kind = message.WhichOneof("type")
            if kind == "delta":
                self._take(message)
            elif kind == "navigation":
                for page in message.navigation.app_pages:
                    self._pages[page.url_pathname] = page.page_script_hash
                self._pages[""] = message.navigation.page_script_hash
            elif kind == "session_event":
                self.notes.errors.append("the script could not be compiled")
            elif kind == "script_finished" and message.script_finished != early:
                return

    def _take(self, message: Any) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.notes.errors.append(f"{element.exception.type} on the page")
        elif kind == "bidi_component":
            found = json.loads(element.bidi_component.json or "{}")
            if "recording" in found:
                self.data = found
                self._viewer_id = element.bidi_component.id
                self._fragment = message.delta.fragment_id
        elif kind == "button":
            self._buttons[element.button.label] = element.button.id
        elif kind == "progress":
            self.texts.append(element.progress.text)

    def _tile_address(self, index: int) -> str:
        montage = self.data["recording"]["montages"][0]["name"]
        place = f"{self.data['base']}/raw/{self.data['mark']}/{montage}/none/{_FILTERS}/0/{index}"
        return f"{self._url}{place}"

    async def _fetch(self, address: str) -> None:
        def fetch() -> int:
            with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:
                return len(answer.read())

        try:
            if not await asyncio.to_thread(fetch):
                self.notes.errors.append("an empty tile")
        except OSError as error:
            self.notes.errors.append(f"a tile: {type(error).__name__}")


@asynccontextmanager
async def reader_session(url: str, notes: Notes, name: str) -> AsyncIterator[ReaderSession]:
    """Open a tab, and close it at the end.

    Parameters
    ----------
    url : str
    notes : Notes
    name : str
    """
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    async with connect(
        address, subprotocols=[Subprotocol("streamlit")], max_size=_LARGEST, open_timeout=_TIMEOUT_S
    ) as socket:
        yield ReaderSession(url, socket, notes, name)
