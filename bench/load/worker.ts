/** A process that gets a job, prepares it, waits for the word, does it, and tells how it went. See worker-process.ts. */
import { once } from "node:events";

export interface LoadResult {
  readonly durationMs: number;
  /** One for each request, in the order in which they ended. */
  readonly latenciesMs: readonly number[];
}

/** What is done between the word and the result. */
export type PreparedLoad = () => Promise<LoadResult>;

/** The body of a worker's script: jobs come one after the other until the parent is gone. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names what its parent sends
export function serveJobs<Job>(prepare: (job: Job) => PreparedLoad | Promise<PreparedLoad>): void {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (job: unknown) => {
    if (job !== "go") void serve(job);
  });
  async function serve(job: unknown): Promise<void> {
    try {
      const load = await prepare(job as Job);
      process.send?.({ kind: "ready" });
      await once(process, "message");
      process.send?.({ kind: "done", result: await load() });
    } catch (error) {
      process.send?.({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  }
}
