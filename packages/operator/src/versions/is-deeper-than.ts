/** How deeply data is nested: what follows it down to the bottom needs a stack that deep. */

/** The API server takes 10,000 levels, more than any of our functions can follow, and nobody writes a tenth of this. */
export const LEVELS_MAX = 100;

/** @param value  plain JSON  @param levels  of objects and lists below each other */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((one) => isDeeperThan(one, levels - 1));
}

/** One sentence for each field that is nested too deeply. @param at  path of the fields' holder */
export function nestingProblems(holder: object, at: string): readonly string[] {
  const deep = Object.entries(holder).filter(([, value]) => isDeeperThan(value, LEVELS_MAX));
  return deep.map(([key]) => `${at}.${key}: is nested more than ${LEVELS_MAX} levels deep`);
}
