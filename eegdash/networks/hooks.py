"""Hooks in one place: attached inside ``with``, and gone after it, whatever happened inside.

Everything that looks into a network while it runs (:mod:`eegdash.attribution`,
:mod:`eegdash.mechanism`) attaches its hooks here, so that restoring is written, and tested, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

ForwardHook = Callable[[Any, Any, Any], Any]
_MISSING = object()


@contextmanager
def hooked(hooks: Mapping[nn.Module, ForwardHook]) -> Iterator[None]:
    """Attach forward hooks, and remove them at the end, after a failure too.

    Parameters
    ----------
    hooks : mapping of Module to callable
        ``hook(module, inputs, output)``; what it returns, unless None, replaces the output.
    """
    handles = []
    try:
        for module, hook in hooks.items():
            handles.append(module.register_forward_hook(hook))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def methods_replaced(methods: Mapping[tuple[nn.Module, str], Callable[..., Any]]) -> Iterator[None]:
    """Let modules compute something else, and restore them at the end, after a failure too.

    Used to leave out what is known already; see :mod:`eegdash.mechanism.replay`.

    Parameters
    ----------
    methods : mapping of (Module, str) to callable
        What is called instead of a method, such as ``forward``, of one module.
    """
    before: list[tuple[nn.Module, str, Any]] = []
    try:
        for (module, name), method in methods.items():
            before.append((module, name, module.__dict__.get(name, _MISSING)))
            # an attribute of the instance goes before the method of the class
            object.__setattr__(module, name, method)
        yield
    finally:
        for module, name, own in reversed(before):
            if own is _MISSING:
                module.__dict__.pop(name, None)
            else:
                object.__setattr__(module, name, own)
