/** Does many things with a fixed number of them under way at once. */

/** @throws the first error; the others under way still end */
export async function inFlight(count: number, limit: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  async function worker(): Promise<void> {
    while (next < count && !failed) {
      const index = next;
      next += 1;
      try {
        await work(index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: Math.min(limit, count) }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
