/** How many objects are asked for at a time, so that a long list ends in time whatever keeps the API server busy. */

/** What a list takes from memory at one time is a page, and machines weigh 13 KB each. */
const SMALLEST = 50;
const LARGEST = 800;
/** Where each request takes so long, there must be fewer of them: etcd keeps a list for five minutes. */
const SLOW_MS = 1_000;
/** Where a page takes so long, it is the page that is too large: the request has a minute. */
const TOO_LONG_MS = 15_000;

export interface PageSize {
  readonly size: number;
  /** Takes note of a page that was read. */
  read(tookMs: number): void;
  /** The list did not end in time, and begins anew. */
  expired(): void;
  /** A page could not be read: it may weigh more than an answer may. */
  unreadable(): void;
}

export function createPageSize(): PageSize {
  let size = SMALLEST;
  let largest = LARGEST;
  const shrink = (): void => {
    size = Math.max(SMALLEST, size / 2);
  };
  return {
    get size() {
      return size;
    },
    read(tookMs) {
      if (tookMs >= TOO_LONG_MS) shrink();
      else if (tookMs >= SLOW_MS) size = Math.min(largest, size * 2);
    },
    expired() {
      // What could not be read may have been some proxy's, once.
      largest = Math.min(LARGEST, largest * 2);
      size = Math.min(largest, size * 2);
    },
    unreadable() {
      shrink();
      largest = size;
    },
  };
}
