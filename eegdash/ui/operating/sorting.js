// In which order the rows of a table stand. Pure.

// The number that a cell begins with: "8,640", "3 of 4", "0.98"; NaN for "n/a" and for words.
const numberOf = (text) => parseFloat(text.replaceAll(",", ""));

// Places of the rows in the order of a column's cells, as text or as numbers; what has no number
// stands last either way, and equal ones stay as they were.
export function orderOf(rows, column, falling) {
  const sign = falling ? -1 : 1;
  const names = column === 0;
  const compared = (a, b) => {
    if (names) return sign * rows[a][0].localeCompare(rows[b][0], "en", { numeric: true });
    const [x, y] = [numberOf(rows[a][column]), numberOf(rows[b][column])];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return sign * (x - y);
  };
  return rows.map((_, i) => i).sort(compared);
}
