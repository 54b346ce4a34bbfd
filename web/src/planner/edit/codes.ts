/** Codes of new grids. */

/** The number after the last of a community's; `taken` are the codes that may not come again. */
export function nextCode(area: string, taken: readonly string[]): string {
  const prefix = /^\d{6,}$/.test(area) ? area : `${area}-`;
  const own = taken.filter((code) => code.startsWith(prefix));
  const numbers = own.map((code) => Number(code.slice(prefix.length))).filter((number) => Number.isInteger(number));
  return prefix + String(Math.max(0, ...numbers) + 1).padStart(3, "0");
}
