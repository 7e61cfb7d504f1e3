// Colour maps as tables of 256 packed RGBA colours; entry 0 ("no data") is transparent. Pure.

const MAPS = {
  viridis:
    "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e21918c1f988b1fa08822a78528ae8032b67a3fbc734ec36b5ec96270cf5784d44b98d83eaddc30c2df23d8e219ece51bfde725",
  turbo:
    "30123b392a734040a24456c7466be34680f64294ff37a8fa28bceb1ccdd818ddc21fe9af32f2984ef97d6dfe628bff4ba4fc3cb9f635cdec34dfdf37eecf3af8be39fdac34fe962bfb7e21f46617eb500edf3f08d02f05be2102a91601920b017a0403",
  // blue (more left) over the ground of the page to orange-red (more right)
  balanceLight: "08306b2171b56baed6c6dbeff5f6f9fdd0a2fd8d3cd94801802a00",
  balanceDark: "9ecae14292c62171b51a365d1b1f295d2a10b34a10e6702cfdae6b",
};

function lookup(hex) {
  const anchors = hex.length / 6;
  const anchor = (i, c) => parseInt(hex.slice(6 * i + 2 * c, 6 * i + 2 * c + 2), 16);
  const table = new Uint32Array(256);
  for (let v = 1; v < 256; v++) {
    const x = ((v - 1) / 254) * (anchors - 1);
    const i = Math.min(Math.floor(x), anchors - 2);
    const mix = (c) => Math.round(anchor(i, c) + (x - i) * (anchor(i + 1, c) - anchor(i, c)));
    table[v] = ((255 << 24) | (mix(2) << 16) | (mix(1) << 8) | mix(0)) >>> 0;
  }
  return table;
}

export const TABLES = Object.fromEntries(Object.entries(MAPS).map(([name, hex]) => [name, lookup(hex)]));

// The table that a count is looked up in: `valueOf(count)` between two limits, beyond them their colours.
export function limited(table, low, high, valueOf) {
  const map = new Uint32Array(256);
  for (let v = 1; v < 256; v++) {
    const x = (valueOf(v) - low) / (high - low);
    map[v] = table[1 + Math.round(254 * Math.min(Math.max(x, 0), 1))];
  }
  return map;
}

export const css = (packed) => `rgb(${packed & 255},${(packed >> 8) & 255},${(packed >> 16) & 255})`;
