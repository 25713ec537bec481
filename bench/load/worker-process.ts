/** The parent's side of a load process: hands it jobs and gets results. It dies with the parent. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadResult } from "./worker.ts";

type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly result: LoadResult }
  | { readonly kind: "failed"; readonly message: string };

export class WorkerProcess<Job extends object> {
  readonly #child: ChildProcess;

  /** @param script  a file in this folder */
  constructor(script: string) {
    this.#child = fork(fileURLToPath(new URL(script, import.meta.url)), { serialization: "advanced" });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when the job is prepared; `go` does it. */
  async prepare(job: Job): Promise<{ readonly go: () => Promise<LoadResult> }> {
    this.#child.send(job);
    await this.#report("ready");
    return {
      go: async () => {
        this.#child.send("go");
        const report = await this.#report("done");
        if (report.kind !== "done") throw new Error(`an unexpected report: ${report.kind}`);
        return report.result;
      },
    };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    await gone;
  }

  async #report(expected: Report["kind"]): Promise<Report> {
    const ended = new AbortController();
    const death = once(this.#child, "exit", { signal: ended.signal }).then(() => {
      throw new Error("a load process has died");
    });
    try {
      const [report] = (await Promise.race([once(this.#child, "message", { signal: ended.signal }), death])) as [
        Report,
      ];
      if (report.kind === "failed") throw new Error(`the load failed: ${report.message}`);
      if (report.kind !== expected) throw new Error(`expected ${expected}, got ${report.kind}`);
      return report;
    } finally {
      ended.abort();
      death.catch(() => undefined);
    }
  }
}
