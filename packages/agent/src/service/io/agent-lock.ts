/** One agent at a time, or some that let each other be: a lock of the kernel's on a file, which goes with its holder however that ends. */
import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { FilesError, whyRefused } from "../../files/index.ts";

/** SQLITE_BUSY */
const BUSY = 5;

export interface AgentLock {
  release(): void;
}

/**
 * Node has no flock; SQLite's exclusive transaction is the same fcntl lock, which no stale process id can feign.
 * @returns undefined where another process holds it
 * @throws FilesError FILES_UNSAVED where there can be no lock, for whoever is not root above all
 */
export function takeLock(path: string): AgentLock | undefined {
  return lockWith(path, () =>
    lockAt(path, 0, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE"),
  );
}

/** How long whoever only looks whether the lock is free may hold it. */
const LOOK_MS = 1_000;

/**
 * Held by several processes, and by none while another one has taken it by `takeLock`, nor the other way round.
 * @returns undefined where another process has taken it
 * @throws FilesError FILES_UNSAVED
 */
export function shareLock(path: string): AgentLock | undefined {
  return lockWith(path, () => lockAt(path, LOOK_MS, "BEGIN; SELECT 1 FROM sqlite_master"));
}

function lockWith(path: string, lock: () => AgentLock | undefined): AgentLock | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return lock();
  } catch (cause) {
    // What SQLite says is a sentence already.
    const why = cause instanceof Error && "errcode" in cause ? cause.message : whyRefused(cause);
    throw new FilesError("FILES_UNSAVED", `${path} cannot be taken: ${why}`, { cause, details: { path } });
  }
}

function lockAt(path: string, timeoutMs: number, statements: string): AgentLock | undefined {
  const database = new DatabaseSync(path, { timeout: timeoutMs });
  try {
    chmodSync(path, 0o600);
    database.exec(statements);
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === BUSY) return undefined;
    throw error;
  }
}
