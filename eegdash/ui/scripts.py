"""The browser's code: how a component's modules are served, loaded and registered.

A folder beside this file that holds ``.js`` files is a part. Modules import each other by relative
addresses, across parts too (``../viewer/dom.js``), and have addresses of their own, so that they
are sent once and cached; what Streamlit carries with the data is a loader of a few lines.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from eegdash.ui.security import TOKEN_AGE_S

_FOLDER = Path(__file__).parent
_IMMUTABLE = {"cache-control": f"private, max-age={TOKEN_AGE_S}, immutable"}
_IMPORTED = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "([^"]+)";', re.MULTILINE)


def component(name: str, entry: str) -> Any:
    """Register a component whose code is a module, and whose style lies beside it.

    Parameters
    ----------
    name : str
        Unique among the components of the dashboard.
    entry : str
        The module as ``part/name.js``; it exports ``update(component)``, which is called when the
        data changes. ``part/name.css`` is its style.

    Returns
    -------
    callable
        Mounts the component, as :func:`streamlit.components.v2.component` says.
    """
    style = (_FOLDER / entry).with_suffix(".css")
    return st.components.v2.component(
        name,
        html='<div class="mount"></div>',
        css=style.read_text(encoding="utf-8"),
        js=_loader(entry),
    )


def _loader(entry: str) -> str:
    """Ask for all modules at once: each would otherwise wait for the one that imports it."""
    return f"""
const load = (name) => import(new URL("/scripts/{version()}/" + name, window.location.origin));
{json.dumps(modules(entry))}.forEach(load);
export default function (component) {{
  load("{entry}").then((module) => module.update(component));
}}
"""


def modules(entry: str) -> list[str]:
    """Return a module and all that it imports, as ``part/name.js``.

    Raises
    ------
    KeyError
        If one of them does not exist.
    """
    found: set[str] = set()
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            part = posixpath.dirname(name)
            for wanted in _IMPORTED.findall(scripts()[name].decode("utf-8")):
                waiting.append(posixpath.normpath(posixpath.join(part, wanted)))
    return sorted(found)


@lru_cache(maxsize=1)
def scripts() -> dict[str, bytes]:
    """Return every script of every part by ``part/name``, as when the server starts."""
    return {
        path.relative_to(_FOLDER).as_posix(): path.read_bytes()
        for path in sorted(_FOLDER.glob("*/*.js"))
    }


@lru_cache(maxsize=1)
def version() -> str:
    """Return a hash of all scripts, which stands in their addresses."""
    digest = hashlib.sha256()
    for name, content in scripts().items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


async def _script(request: Request) -> Response:
    # on the event loop and from memory: forty modules through the thread pool took 0.35 s
    part, name = request.path_params["part"], request.path_params["name"]
    content = scripts().get(f"{part}/{name}")
    if content is None:
        return Response("no such file", 404)
    return Response(content, media_type="text/javascript", headers=_IMMUTABLE)


ROUTES = [Route("/scripts/{version}/{part}/{name}", _script)]
