// Tables by HTTP, one for each set of event rules; the server says 202 while it computes them.

const AGAIN_MS = 400;
const KEPT = 12;

export const rulesPath = (post) => [post.smoothing_s, post.hysteresis, post.merge_gap_s, post.min_duration_s].join("-");

export class TableStore {
  constructor(onChange) {
    this.onChange = onChange;
    this.tables = new Map(); // address -> {table} or {problem}
    this.pending = new Set();
  }

  // {table}, {problem} or {} while it is being computed.
  get(base, post) {
    const address = `${base}/${rulesPath(post)}`;
    const found = this.tables.get(address);
    if (found) return found;
    if (!this.pending.has(address)) this.load(address);
    return {};
  }

  async load(address, again = false) {
    this.pending.add(address);
    let later = false;
    try {
      const answer = await fetch(again ? `${address}?again=1` : address, { credentials: "same-origin" });
      later = answer.status === 202;
      if (answer.ok && !later) this.keep(address, { table: await answer.json() });
      else if (!later) this.keep(address, { problem: answer.status === 403 ? EXPIRED : await answer.text(), address });
    } catch {
      this.keep(address, { problem: SILENT, address });
    }
    if (later) return void setTimeout(() => this.load(address), AGAIN_MS);
    this.pending.delete(address);
    this.onChange();
  }

  keep(address, found) {
    this.tables.set(address, found);
    while (this.tables.size > KEPT) this.tables.delete(this.tables.keys().next().value);
  }

  retry(address) {
    this.tables.delete(address);
    this.load(address, true);
  }
}

const EXPIRED = "This page has been open too long. Reload it to go on.";
const SILENT = "The server does not answer. Check that it is running, then try again.";
