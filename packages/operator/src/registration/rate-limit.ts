/** Token buckets: how often somebody may come. Pure; the clock comes in. */
import { isIPv6 } from "node:net";

const MINUTE_MS = 60_000;

interface Bucket {
  /** Visits that may come at once. */
  readonly level: number;
  readonly atMs: number;
  /** From then on it is as one that is not there. */
  readonly fullMs: number;
}

/**
 * One bucket a key, of one minute's visits. Who was here longest ago is forgotten when there are too many: that gives a
 * full bucket to whoever comes again, and nobody a smaller one.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #maxKeys: number;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /**
   * @param nowMs  of a clock that never goes back
   * @returns      0 where the visit may come, else after how many milliseconds the next one may; it was not counted then
   */
  take(key: string, perMinute: number, nowMs: number): number {
    this.#forgetFull(nowMs);
    const old = this.#buckets.get(key);
    const there = old === undefined ? perMinute : old.level + ((nowMs - old.atMs) * perMinute) / MINUTE_MS;
    const level = Math.min(perMinute, there);
    const isFree = level >= 1;
    const left = isFree ? level - 1 : level;
    // To the end of the map: its beginning is who was here longest ago.
    this.#buckets.delete(key);
    this.#buckets.set(key, { level: left, atMs: nowMs, fullMs: nowMs + ((perMinute - left) * MINUTE_MS) / perMinute });
    if (this.#buckets.size > this.#maxKeys) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return isFree ? 0 : Math.max(1, Math.ceil(((1 - level) * MINUTE_MS) / perMinute));
  }

  #forgetFull(nowMs: number): void {
    for (const [key, { fullMs }] of this.#buckets) {
      if (fullMs > nowMs) return;
      this.#buckets.delete(key);
    }
  }
}

/** The first four groups of an IPv6 address, however it is shortened. */
function network64(address: string): string {
  const [head = "", tail] = address.toLowerCase().split("::", 2);
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => "0"), ...back];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}

/**
 * Stands for the address of whoever comes through Rancher's tunnel, which tells none that could be believed: what a proxy
 * writes into headers anybody can write who reaches the proxy.
 */
export const TUNNEL_SOURCE = "tunnel";

/** Who counts as one source: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer has. */
export function sourceOf(remoteAddress: string | undefined): string {
  const address = (remoteAddress ?? "").replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  return isIPv6(address) ? `${network64(address)}::/64` : address;
}

/**
 * The same source, below those that it is counted together with where there is not enough for all. Of IPv6 one site has 48 bits,
 * which are 65,536 networks; the tunnel stands for as many as all IPv4 addresses do.
 */
export function sourcePathOf(remoteAddress: string | undefined): readonly string[] {
  const source = sourceOf(remoteAddress);
  if (source === TUNNEL_SOURCE) return [source];
  return source.endsWith("::/64") ? ["IPv6", source.split(":", 3).join(":"), source] : ["IPv4", source];
}
