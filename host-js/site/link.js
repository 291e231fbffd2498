//! A session in the address of the page: its snapshot, compressed, behind the `#`, which no server is told.

/** Characters that every browser takes in an address, and most programs in a message. */
const LONGEST = 60_000;
/** Bytes that the snapshot in a link may have, however well it was compressed. */
const LARGEST = 64 << 20;

const PREFIX = "#session=";

/** @param {ReadableStream<any>} stream @param {number} most */
async function bytesOf(stream, most) {
  const reader = stream.getReader();
  const pieces = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new Error("the session in this link is too large");
    }
    pieces.push(value);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** @param {Uint8Array} snapshot @returns {Promise<string | undefined>} the address; `undefined`: it would be too long */
export async function linkTo(snapshot) {
  const packed = await bytesOf(new Blob([/** @type {any} */ (snapshot)]).stream().pipeThrough(new CompressionStream("deflate-raw")), LARGEST);
  if (packed.length * 4 > LONGEST * 3) return undefined;
  const base64 = btoa(Array.from(packed, (byte) => String.fromCharCode(byte)).join(""));
  return `${location.href.split("#")[0]}${PREFIX}${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

export const isLink = () => location.hash.startsWith(PREFIX);

/** The snapshot in the address of this page. */
export async function linked() {
  if (!isLink()) return undefined;
  const packed = Uint8Array.from(atob(location.hash.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  return bytesOf(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")), LARGEST);
}
