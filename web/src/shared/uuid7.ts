/** The last id's millisecond and its place within it. */
let last_ms = -1;
let count = 0;

/**
 * UUID version 7 (RFC 9562 5.7): 48 bits of Unix milliseconds, a 12-bit counter that begins at random (6.2, method 1),
 * 62 random bits. Ids made one after another on one page sort in that order, within one millisecond too.
 */
export function uuid7(
  now_ms: number = Date.now(),
  random: Uint8Array = crypto.getRandomValues(new Uint8Array(10)),
): string {
  // The counter's highest bit begins as 0, so that it has room for 2,048 ids in a millisecond.
  count = now_ms === last_ms ? count + 1 : ((random[0]! & 0x07) << 8) | random[1]!;
  last_ms = now_ms;
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now_ms / 2 ** (8 * (5 - i))) % 256;
  bytes.set(random.subarray(2, 10), 8);
  bytes[6] = 0x70 | (count >> 8);
  bytes[7] = count & 0xff;
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
