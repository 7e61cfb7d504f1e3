// Which rows of a montage are drawn, and what is wrong with them. Pure.

const FAULTS = [[1, "flat"], [2, "saturated"], [4, "incomplete"]]; // bits of a raw tile's flag byte

export const faultWords = (flags) => FAULTS.filter(([bit]) => flags & bit).map(([, word]) => word);

// Every row of a montage: its place in the tiles, and whether it is bad and drawn. `bad` holds
// recorded channels, `hidden` names of rows, `solo` the one row wanted or null; bad rows are drawn
// only where they are wanted `faint`.
export function rowStates(montage, { bad, hidden, solo, faint }) {
  const alone = solo !== null && montage.names.includes(solo);
  return montage.names.map((name, row) => {
    const inputs = montage.inputs[row];
    const isBad = inputs.some((channel) => bad.has(channel));
    const shown = alone ? name === solo : !hidden.has(name) && (faint || !isBad);
    return { row, name, side: montage.sides[row], sum: montage.sums[row], inputs, bad: isBad, shown };
  });
}

// Which of some recorded channels are marked bad, for a heading; empty where none is.
export function badNames(channels, bad, labels) {
  const names = [...new Set(channels)].filter((channel) => bad.has(channel)).sort((a, b) => a - b).map((channel) => labels[channel]);
  return names.length > 4 ? `${names.length} channels` : names.join(", ");
}

// What is not on screen, for the heading: "2 of 18 rows hidden, T7 bad"; empty where all is there.
export function rowsNote(states, bad, labels) {
  const hidden = states.filter((state) => !state.shown).length;
  const names = badNames(states.flatMap((state) => state.inputs), bad, labels);
  const parts = hidden ? [`${hidden} of ${states.length} rows hidden`] : [];
  if (names) parts.push(`${names} bad`);
  return parts.join(", ");
}

// Flags of the rows over the tiles that a page touches.
export function pageFlags(tiles) {
  const flags = [];
  for (const { tile } of tiles) if (tile) tile.flags.forEach((flag, row) => (flags[row] = (flags[row] || 0) | flag));
  return flags;
}
