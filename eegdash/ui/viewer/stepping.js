// From one thing on the time axis to the next. Pure.

// Index of the next (direction 1) or previous (-1) of items in order of onset; -1 or the number of
// items where there is none. From the current one while it is on the page, else from the page.
export function stepAmong(items, spanOf, current, direction, page) {
  const onPage = ([onset, end]) => onset < page.end && end > page.start;
  if (current >= 0 && current < items.length && onPage(spanOf(items[current]))) return current + direction;
  if (direction > 0) {
    const next = items.findIndex((item) => spanOf(item)[1] > page.start);
    return next < 0 ? items.length : next;
  }
  return items.findLastIndex((item) => spanOf(item)[0] < page.end);
}
