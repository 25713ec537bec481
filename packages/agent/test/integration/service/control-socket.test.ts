/** The agent's socket: answers that take longer than anybody is silent, and such that do not come. */
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { abortByHand, readAgentState, rollbackByHand } from "@rancheros/agent/by-hand";
import { askControl, serveControl } from "../../../src/service/index.ts";
import { folderOutside } from "../upgrade/folder-outside.ts";

const SIGN_OF_LIFE_MS = 60;
/** Who asks and who answers share one thread here: it may stand still for a while. */
const ASK = { silenceMs: 2_000, limitMs: 20_000 };

const never = (): Promise<never> => Promise.reject(new Error("no agent runs"));
const NO_CONTAINERS = {
  find: never,
  hold: () => undefined,
  pull: never,
  run: never,
  stop: never,
  removeImage: never,
  ownImages: never,
  readImageFile: never,
};

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

async function serve(answer: (line: string) => Promise<string>, idleMs = 20_000): Promise<void> {
  const server = await serveControl(path, answer, { idleMs, signOfLifeMs: SIGN_OF_LIFE_MS });
  closers.push(() => server.close());
}

describe("an answer of the agent that runs", () => {
  it("comes although it takes longer than either side takes silence for", async () => {
    await serve(async (line) => {
      await sleep(1.5 * ASK.silenceMs);
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
    const asked = await askControl(path, "status", { ...ASK, silenceMs: 200 });
    expect(asked).toMatchObject({ kind: "unanswered", cause: { message: "no sign of life for 0.2 s" } });
  });

  it("is nobody's where nobody listens", async () => {
    await expect(askControl(path, "status", ASK)).resolves.toEqual({ kind: "nobody" });
  });
});

it("lets nobody hold a connection without a line", async () => {
  await serve(() => Promise.resolve("{}"), 200);
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
  await expect(rollbackByHand({ ...outside, containers: NO_CONTAINERS }, false)).rejects.toMatchObject({
    code: "UPGRADE_UNANSWERED",
    message: expect.stringContaining('"rollback"') as string,
  });
  await expect(readAgentState(outside)).rejects.toMatchObject({ code: "UPGRADE_AGENT_SILENT" });
});

describe("the folder of the socket", () => {
  const mode = (of: string): number => statSync(of).mode & 0o7777;

  it("is for root only where it is made for it, and so is the socket", async () => {
    path = join(folder, "new/er/agent.sock");
    await serve(() => Promise.resolve("{}"));
    expect([mode(join(folder, "new/er")), mode(path)]).toEqual([0o700, 0o600]);
  });

  it("stays as it is where it is there", async () => {
    chmodSync(join(folder, "run/rancheros"), 0o755);
    await serve(() => Promise.resolve("{}"));
    expect([mode(join(folder, "run/rancheros")), mode(path)]).toEqual([0o755, 0o600]);
  });

  it.each([0o1777, 0o757])("is refused where anybody may write into it, as with mode %o", async (open) => {
    const shared = join(folder, "run/rancheros");
    chmodSync(shared, open);
    await expect(serve(() => Promise.resolve("{}"))).rejects.toMatchObject({ code: "FILES_FOLDER_SHARED" });
    expect(mode(shared)).toBe(open);
    expect(readdirSync(shared)).toEqual([]);
  });

  it("is looked at before an agent is opened: no lock is put where anybody may take its place", async () => {
    const shared = join(folder, "run/rancheros");
    chmodSync(shared, 0o1777);
    const outside = folderOutside(folder, () => undefined);
    await expect(abortByHand({ ...outside, containers: NO_CONTAINERS }, AbortSignal.abort())).rejects.toMatchObject({
      code: "FILES_FOLDER_SHARED",
    });
    expect(readdirSync(shared)).toEqual([]);
  });
});
