/** Reads the audit log on from where it stopped: of some ten thousand drains it is hundreds of megabytes. */
import { open, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { addRemoval } from "./audit-log.ts";
import type { RemovalRequest } from "./outcome.ts";

const CHUNK_BYTES = 1 << 20;
const POLL_MS = 20;
/** The API server writes an event when it has sent the answer: the next moment. */
const LATE_MS = 30_000;

export class AuditTail {
  readonly #logFile: string;
  readonly #users: RegExp;
  #byUser = new Map<string, RemovalRequest[]>();
  #file: FileHandle | undefined;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  #reading: Promise<void> | undefined;

  /** @param users  whose removals are asked for; those of all others are forgotten */
  constructor(logFile: string, users: RegExp) {
    this.#logFile = logFile;
    this.#users = users;
  }

  /**
   * Waits for as many removals of the user as there were answers, and forgets them.
   * @throws where they do not come
   */
  async take(user: string, count: number): Promise<readonly RemovalRequest[]> {
    const deadlineMs = performance.now() + LATE_MS;
    for (;;) {
      const removals = this.#byUser.get(user) ?? [];
      if (removals.length >= count) {
        this.#byUser.delete(user);
        return removals;
      }
      if (performance.now() > deadlineMs) {
        throw new Error(`the audit log has ${removals.length} removals of ${user}, who had ${count} answers`);
      }
      this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
      await this.#reading;
    }
  }

  async close(): Promise<void> {
    await this.#reading;
    await this.#file?.close();
  }

  async #read(): Promise<void> {
    this.#file ??= await open(this.#logFile, "r");
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const { bytesRead } = await this.#file.read(chunk, 0, CHUNK_BYTES, this.#offset);
    if (bytesRead === 0) {
      await sleep(POLL_MS);
      return;
    }
    this.#offset += bytesRead;
    const read = Buffer.concat([this.#rest, chunk.subarray(0, bytesRead)]);
    const end = read.lastIndexOf("\n") + 1;
    this.#rest = read.subarray(end);
    for (const line of read.toString("utf8", 0, end).split("\n")) {
      if (line !== "") addRemoval(this.#byUser, line);
    }
    for (const user of this.#byUser.keys()) if (!this.#users.test(user)) this.#byUser.delete(user);
  }
}
