"""What a reader does in the browser, and what a test waits for afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Error, Locator, Page, expect

# short, because a step that failed is done again until the whole time is over
_STEP_MS = 5_000
_WITHIN_S = 60.0


def name_taken(page: Page) -> None:
    """Wait until the reader's name was taken: the page is drawn with a field that is not focused.

    For a moment the old field and the new one are both there.
    """
    field = page.locator('input[aria-label="Your name or initials"]')
    expect(field.and_(page.locator(":focus"))).to_have_count(0)
    expect(field).to_have_count(1)


def until_done(step: Callable[[], None], *, within_s: float = _WITHIN_S) -> None:
    """Do a step again until it succeeds; its last failure is the test's.

    For what a page that still moves can take back: a list closes when the page below it is drawn
    again. The step waits for what it brought about, and doing it twice does no harm.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            step()
        except (AssertionError, Error):
            if time.monotonic() > deadline:
                raise
        else:
            return


def opened_list(field: Locator) -> Locator:
    """Open the list of a Streamlit select box, unless it is open, and return it once it shows."""
    if field.get_attribute("aria-expanded", timeout=_STEP_MS) != "true":
        field.press("ArrowDown", timeout=_STEP_MS)
    shown = field.page.locator('[role="listbox"]:visible')  # one list is open at a time
    shown.get_by_role("option").first.wait_for(timeout=_STEP_MS)
    return shown


def choose(
    within: Page | Locator,
    label: str,
    option: str | re.Pattern[str],
    *,
    exact: bool = False,
    typed: str = "",
) -> None:
    """Choose an option of a Streamlit select box: done when the field shows it.

    Parameters
    ----------
    within : Page or Locator
        Where the select box is.
    label : str
        Whole label of the select box.
    option : str or re.Pattern
        Its title; part of it will do unless ``exact``. The first that fits is taken.
    exact : bool
        Whether ``option`` is the whole title, in its own case.
    typed : str
        What is typed first: a long list holds only the options near its beginning.
    """
    field = within.get_by_role("combobox", name=label, exact=True).first

    def step() -> None:
        shown = opened_list(field)
        if typed:
            field.fill(typed, timeout=_STEP_MS)
        wanted = shown.get_by_role("option", name=option, exact=exact).first
        title = wanted.inner_text(timeout=_STEP_MS)
        wanted.click(timeout=_STEP_MS)
        expect(shown).to_have_count(0, timeout=_STEP_MS)
        expect(field).to_have_value(title, timeout=_STEP_MS)

    until_done(step)
