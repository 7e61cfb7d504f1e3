"""What a test waits for after a reader did something in the browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def name_taken(page: Page) -> None:
    """Wait until the reader's name was taken: the page is drawn with a field that is not focused.

    For a moment the old field and the new one are both there.
    """
    field = page.locator('input[aria-label="Your name or initials"]')
    expect(field.and_(page.locator(":focus"))).to_have_count(0)
    expect(field).to_have_count(1)
