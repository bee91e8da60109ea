// A zip archive of files that are compressed already, so each is stored as it is (PKWARE APPNOTE).

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255];
  return ~crc >>> 0;
}

/** Little-endian numbers, given as pairs of bytes and value. */
function packed(...fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += size;
  }
  return bytes;
}

function stamp(date) {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return [[2, time], [2, day]];
}

/** An archive as a Blob, of files `{ name, blob }` whose names differ. */
export async function zip(files) {
  const parts = [], directory = [];
  let at = 0;
  for (const { name, blob } of files) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const title = new TextEncoder().encode(name);
    const size = [4, bytes.length];
    const common = [  // version 2.0, names in UTF-8, stored
      [2, 20], [2, 0x0800], [2, 0], ...stamp(new Date()), [4, crc32(bytes)], size, size,
      [2, title.length], [2, 0],
    ];
    const head = packed([4, 0x04034b50], ...common);
    directory.push(
      packed([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), title,
    );
    parts.push(head, title, bytes);
    at += head.length + title.length + bytes.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const count = [2, files.length];
  const end = packed([4, 0x06054b50], [2, 0], [2, 0], count, count, [4, length], [4, at], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
