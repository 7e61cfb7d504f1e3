// Answers of the server by address: kept, asked again while they are being computed, told apart from
// failures. An answer is a header in JSON and arrays of float32 behind it.

const KEPT = 160;
const SOON_MS = 120;
const LATER_MS = 500;

export const EXPIRED = "This page has been open too long. Reload it to go on.";
export const SILENT = "The server does not answer. Check that it is running, then try again.";

// u32 length of the header, header, then float32 of `header.arrays`: {name: shape}, in their order.
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const arrays = {};
  for (const [name, shape] of Object.entries(header.arrays || {})) {
    const size = shape.reduce((all, n) => all * n, 1);
    arrays[name] = { shape, values: new Float32Array(buffer.slice(at, at + 4 * size)) };
    at += 4 * size;
  }
  return { ...header, arrays };
}

export class Store {
  constructor(onChange) {
    this.onChange = onChange;
    this.answers = new Map(); // address -> {value} or {problem} or {progress, state}
    this.asking = new Map(); // address -> the chain of requests that runs for it
  }

  // {value}, {problem} or {progress}: what is known of an address now.
  get(address) {
    const found = this.answers.get(address);
    if (found && found.value) {
      this.answers.delete(address); // the newest are kept
      this.answers.set(address, found);
    }
    if (!found && !this.asking.has(address)) this.load(address);
    return found || {};
  }

  known(address) {
    return this.answers.get(address) || {};
  }

  async load(address, again = false) {
    const mine = Symbol(address);
    this.asking.set(address, mine);
    let asked = again ? `${address}${address.includes("?") ? "&" : "?"}again=1` : address;
    let wait = SOON_MS;
    for (;;) {
      const known = await this.ask(asked, wait > SOON_MS);
      if (this.asking.get(address) !== mine) return; // cancelled, or asked anew meanwhile
      asked = address;
      this.answers.set(address, known);
      this.onChange(address);
      if (known.progress === undefined) break;
      await new Promise((next) => setTimeout(next, wait));
      if (this.asking.get(address) !== mine) return;
      wait = Math.min(1.5 * wait, LATER_MS);
    }
    this.asking.delete(address);
    this.trim();
  }

  async ask(address, waiting) {
    try {
      const headers = waiting ? { "x-waiting": "1" } : {};
      const answer = await fetch(address, { credentials: "same-origin", headers });
      if (answer.status === 202) return { ...(await answer.json()) };
      if (answer.ok) return { value: decode(await answer.arrayBuffer()) };
      return { problem: answer.status === 403 ? EXPIRED : await answer.text() };
    } catch {
      return { problem: SILENT };
    }
  }

  retry(address) {
    this.answers.delete(address);
    this.load(address, true);
    this.onChange(address);
  }

  // Cancel what is being computed: the server is told, and it is no longer asked for.
  async cancel(address) {
    this.asking.delete(address);
    this.answers.set(address, { problem: "Cancelled." });
    this.onChange(address);
    try {
      await fetch(address, { method: "DELETE", credentials: "same-origin" });
    } catch {
      // it goes on computing, which costs nobody but the server
    }
  }

  trim() {
    for (const [address, { value }] of this.answers) {
      if (this.answers.size <= KEPT) break;
      if (value) this.answers.delete(address);
    }
  }
}
