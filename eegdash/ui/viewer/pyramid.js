// Tiles of columns over time in levels of detail, each with a quarter of the columns of the one before. Pure.

// The finest level with no more than 1.6 columns a pixel.
export function levelOf(info, lengthS, pixels) {
  let level = 0;
  while (level + 1 < info.levels && lengthS / (info.step_s * 4 ** level) > 1.6 * pixels) level++;
  return level;
}

// The tiles that a view shows: [{index, start (s), columnS}].
export function tilesIn(info, view, level) {
  const columnS = info.step_s * 4 ** level;
  const count = Math.ceil(Math.ceil(info.columns / 4 ** level) / info.tile);
  const first = Math.max(Math.floor(view.start / columnS / info.tile), 0);
  const last = Math.min(Math.floor((view.start + view.length) / columnS / info.tile), count - 1);
  const found = [];
  for (let index = first; index <= last; index++) found.push({ index, start: index * info.tile * columnS, columnS });
  return found;
}
