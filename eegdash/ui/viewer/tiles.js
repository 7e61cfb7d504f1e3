// Binary tiles by HTTP: fetched once, kept in a least-recently-used store, prefetched.

const KEPT = 400;
const RETRY_MS = 700;

export class TileStore {
  constructor(onArrival, onProblem) {
    this.tiles = new Map(); // address -> {value} once it is here
    this.pending = new Map();
    this.retryAt = new Map();
    this.onArrival = onArrival;
    this.onProblem = onProblem;
  }

  // The decoded tile, or null while it is on its way.
  get(address, decode) {
    const found = this.tiles.get(address);
    if (found) {
      this.tiles.delete(address);
      this.tiles.set(address, found);
      return found.value;
    }
    this.request(address, decode);
    return null;
  }

  request(address, decode) {
    if (this.tiles.has(address) || this.pending.has(address)) return;
    if ((this.retryAt.get(address) || 0) > performance.now()) return;
    this.pending.set(address, this.load(address, decode));
  }

  async load(address, decode) {
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (answer.status === 202) {
        this.later(address); // still being computed in the background
      } else if (answer.ok) {
        this.keep(address, decode(await answer.arrayBuffer()));
      } else {
        this.later(address, 10 * RETRY_MS);
        this.onProblem(answer.status);
      }
    } catch {
      this.later(address, 5 * RETRY_MS);
      this.onProblem(0);
    } finally {
      this.pending.delete(address);
    }
  }

  keep(address, value) {
    this.tiles.set(address, { value });
    this.retryAt.delete(address);
    while (this.tiles.size > KEPT) this.tiles.delete(this.tiles.keys().next().value);
    this.onArrival(address);
  }

  later(address, wait = RETRY_MS) {
    this.retryAt.set(address, performance.now() + wait);
    setTimeout(() => this.onArrival(address), wait + 20);
  }
}

// raw tile: u32 rows, u32 samples, f32 values per second, u32 pairs (min/max) flag,
// then f32 microvolt per count for each row, then int16 rows; -32768 is "no sample"; then a byte of
// flags for each row.
export function decodeRaw(buffer) {
  const head = new DataView(buffer);
  const rows = head.getUint32(0, true);
  const samples = head.getUint32(4, true);
  return {
    rows,
    samples,
    rate: head.getFloat32(8, true),
    pairs: head.getUint32(12, true) === 1,
    scale: new Float32Array(buffer, 16, rows),
    counts: new Int16Array(buffer, 16 + 4 * rows, rows * samples),
    flags: new Uint8Array(buffer, 16 + 4 * rows + 2 * rows * samples, rows),
  };
}

// spectrogram tile: u32 panels, u32 bins, u32 columns, u32 spare, then uint8
// panels x columns x bins; 0 is "no data".
export function decodeSpectrogram(buffer) {
  const head = new DataView(buffer);
  const panels = head.getUint32(0, true);
  const bins = head.getUint32(4, true);
  const columns = head.getUint32(8, true);
  return { panels, bins, columns, power: new Uint8Array(buffer, 16, panels * bins * columns) };
}

export const decodeTrace = (buffer) => new Uint16Array(buffer);

export const decodeJson = (buffer) => JSON.parse(new TextDecoder().decode(buffer));
