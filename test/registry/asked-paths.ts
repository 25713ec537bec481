/** What has been asked of a registry, by its own access log. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestRegistry } from "./registry.ts";
import { sendRequest } from "./send-request.ts";

const DEADLINE_MS = 10_000;

/**
 * @param folder  of the registry's options
 * @returns method and path of each request so far that has been answered, such as `GET /v2/os/blobs/sha256:...`
 */
export async function askedPaths(registry: TestRegistry, folder: string): Promise<readonly string[]> {
  // The log is written after the answer: who finds the last request there has found all before it.
  const mark = `/v2/mark-${Math.random().toString(36).slice(2)}/tags/list`;
  await sendRequest(registry, { method: "GET", path: mark });
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const text = readFileSync(path.join(folder, "docker-registry.log"), "utf8");
    if (text.includes(`"GET ${mark} `))
      return [...text.matchAll(/"((?:GET|HEAD) \S+) HTTP/g)].map(([, asked]) => asked ?? "");
    if (performance.now() > deadline) throw new Error("the registry's access log does not show what it was asked");
    await sleep(20);
  }
}
