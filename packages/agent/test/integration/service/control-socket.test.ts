/** The agent's socket: answers that take longer than anybody is silent, and such that do not come. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readAgentState, rollbackByHand } from "@rancheros/agent/by-hand";
import { askControl, serveControl } from "../../../src/service/index.ts";
import { folderOutside } from "../upgrade/folder-outside.ts";

const SERVE = { idleMs: 200, signOfLifeMs: 60 };
const ASK = { silenceMs: 200, limitMs: 20_000 };

let folder: string;
let path: string;
const closers: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "control-"));
  path = join(folder, "run/rancheros/agent.sock");
  mkdirSync(join(folder, "run/rancheros"), { recursive: true });
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(answer: (line: string) => Promise<string>): Promise<void> {
  const server = await serveControl(path, answer, SERVE);
  closers.push(() => server.close());
}

describe("an answer of the agent that runs", () => {
  it("comes although it takes longer than either side takes silence for", async () => {
    await serve(async (line) => {
      await sleep(5 * ASK.silenceMs);
      return JSON.stringify({ kind: "done", value: line });
    });
    const asked = await askControl(path, "rollback", ASK);
    expect(asked.kind === "answered" && (JSON.parse(asked.line) as unknown)).toEqual({
      kind: "done",
      value: "rollback",
    });
  });

  it("is not waited for for ever, and what was asked for is carried out all the same", async () => {
    const done = Promise.withResolvers<string>();
    await serve(async (line) => {
      await sleep(600);
      done.resolve(line);
      return "{}";
    });
    const asked = await askControl(path, "rollback", { ...ASK, limitMs: 300 });
    expect(asked).toMatchObject({ kind: "unanswered", cause: { message: "no answer within 0.3 s" } });
    await expect(done.promise).resolves.toBe("rollback");
  });

  it("is not waited for where there is no sign of life", async () => {
    const mute = createServer((socket) => socket.on("error", () => undefined)).listen(path);
    closers.push(() => mute.close());
    await once(mute, "listening");
    const asked = await askControl(path, "status", ASK);
    expect(asked).toMatchObject({ kind: "unanswered", cause: { message: "no sign of life for 0.2 s" } });
  });

  it("is nobody's where nobody listens", async () => {
    await expect(askControl(path, "status", ASK)).resolves.toEqual({ kind: "nobody" });
  });
});

it("lets nobody hold a connection without a line", async () => {
  await serve(() => Promise.resolve("{}"));
  const socket = connect(path);
  socket.write("half a line");
  await once(socket, "close");
  expect(socket.bytesRead).toBe(0);
});

it("says of what was handed to an agent that it may be done, and of a question only that nobody answers", async () => {
  const dying = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.destroy());
  }).listen(path);
  closers.push(() => dying.close());
  await once(dying, "listening");
  const outside = folderOutside(folder, () => undefined);
  const never = (): Promise<never> => Promise.reject(new Error("no agent runs"));
  const [find, pull, run, stop] = [never, never, never, never];
  const containers = { find, pull, run, stop, removeImage: never, ownImages: never, readImageFile: never };
  await expect(rollbackByHand({ ...outside, containers }, false)).rejects.toMatchObject({
    code: "UPGRADE_UNANSWERED",
    message: expect.stringContaining('"rollback"') as string,
  });
  await expect(readAgentState(outside)).rejects.toMatchObject({ code: "UPGRADE_AGENT_SILENT" });
});
