/**
 * Whether no spec of an object can have come between two of its generations. Who has missed one, since its watch was broken,
 * does not know what the object said last: going by what it said before, replicas would write over each other.
 */
export function isNextSpec(before: number | undefined, generation: number | undefined): boolean {
  return before === undefined || generation === undefined || generation === before || generation === before + 1;
}
