/** "2" or "10%": how many of a number of machines. */

export type Amount =
  { readonly kind: "count"; readonly count: number } | { readonly kind: "percent"; readonly percent: number };

/** @returns undefined where it is neither a count nor a percentage */
export function parseAmount(value: number | string): Amount | undefined {
  if (typeof value === "number")
    return Number.isInteger(value) && value >= 0 ? { kind: "count", count: value } : undefined;
  const percent = /^(100|[1-9]?[0-9])%$/.exec(value)?.[1];
  return percent === undefined ? undefined : { kind: "percent", percent: Number(percent) };
}

/** Rounded down. */
export function amountOf(amount: Amount, total: number): number {
  return amount.kind === "count" ? amount.count : Math.floor((total * amount.percent) / 100);
}

/** How many machines at a time: a percentage lets at least one go, unless it is 0 %. */
export function concurrencyOf(amount: Amount, total: number): number {
  if (isNone(amount)) return 0;
  return Math.max(1, amountOf(amount, total));
}

export function isNone(amount: Amount): boolean {
  return amount.kind === "count" ? amount.count === 0 : amount.percent === 0;
}

/**
 * How many servers of a cluster may be away at a time: so many that the others keep etcd's quorum.
 * With fewer than three servers there is nothing to keep; one goes at a time.
 */
export function serversAwayAtMost(servers: number): number {
  return Math.max(1, Math.floor((servers - 1) / 2));
}
