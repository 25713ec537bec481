/** Programs of tpm2-tools that a killed agent leaves at their work. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export function childrenOf(pid: number): readonly number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
    return lists.flatMap((list) => list.split(" ").filter((one) => one.trim() !== "")).map(Number);
  } catch {
    return [];
  }
}

export function isTpmTool(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("tpm2");
  } catch {
    return false;
  }
}

export async function untilGone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`) && isTpmTool(pid)) await sleep(20);
}
