"""Hooks in one place: attached inside ``with``, and gone after it, whatever happened inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

ForwardHook = Callable[[Any, Any, Any], Any]


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
def forwards_replaced(forwards: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Let modules compute something else, and restore them at the end, after a failure too.

    Used to leave out layers whose result is known already; see :mod:`eegdash.mechanism.replay`.
    """
    replaced: list[nn.Module] = []
    try:
        for module, forward in forwards.items():
            # an attribute of the instance goes before the method of the class
            object.__setattr__(module, "forward", forward)
            replaced.append(module)
        yield
    finally:
        for module in replaced:
            del module.__dict__["forward"]
