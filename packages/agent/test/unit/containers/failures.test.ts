/** What is made of two failures, and of files that are there and cannot be read. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { ContainerState, StartCall } from "../../../src/containers/driver.ts";
import { ContainerError } from "../../../src/containers/errors.ts";
import { afterFailedStart } from "../../../src/containers/failed-start.ts";
import { followRecorded } from "../../../src/containers/io/follow-recorded.ts";
import { runFolder } from "../../../src/containers/io/run-folder.ts";
import { createOutputLines } from "../../../src/containers/output-lines.ts";

const failure = new ContainerError("CONTAINER_COMMAND_MISSING", "there is no such program");
const labels = { whose: "ours", run: "1" };
const call: StartCall = {
  spec: { name: "ros-agent-x", run: "1", image: "example.com/x@sha256:0" },
  labels,
  folder: "/none",
  envFile: "/none/environment",
  files: [],
};

/** @returns what came of it, and whether something was removed */
async function afterFailure(left: ContainerState, second?: Error) {
  let isRemoved = false;
  const remove = async (): Promise<void> => {
    if (second !== undefined) throw second;
    isRemoved = true;
  };
  const result = await afterFailedStart({ inspect: async () => left, remove }, call, failure).catch(
    (error: unknown) => error,
  );
  return { result, isRemoved };
}

describe("after a start that failed", () => {
  it("what is left of it goes, and the failure is told", async () => {
    for (const left of [{ kind: "absent" }, { kind: "idle", labels }, { kind: "ended", labels }] as const) {
      expect(await afterFailure(left)).toEqual({ result: failure, isRemoved: true });
    }
  });

  it("what runs stays, and what is not of this run", async () => {
    const foreign = { whose: "theirs" };
    const others = { ...labels, run: "2" };
    for (const left of [
      { kind: "running", labels },
      { kind: "idle", labels: foreign },
      { kind: "ended", labels: others },
    ] as const) {
      expect(await afterFailure(left)).toEqual({ result: { kind: "name-taken", why: failure }, isRemoved: false });
    }
  });

  it("what cannot be removed is told besides, with both causes", async () => {
    const second = new Error("the disk does not answer");
    const { result } = await afterFailure({ kind: "idle", labels }, second);
    expect(result).toMatchObject({
      code: "CONTAINER_COMMAND_MISSING",
      message: "there is no such program; and what is left of it stays: the disk does not answer",
      cause: { errors: [failure, second] },
    });
  });
});

describe("files of a container", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "containers-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("that are there and cannot be read are not taken for missing ones", async () => {
    const files = runFolder(folder, "run");
    await files.prepare();
    expect(await files.read("exit-code")).toBeUndefined();
    await files.write("exit-code", "0\n");
    expect(await files.read("exit-code")).toBe("0\n");
    mkdirSync(path.join(files.path, "other"));
    await expect(files.read("other")).rejects.toMatchObject({ code: "CONTAINER_RUN_FOLDER" });
    writeFileSync(path.join(folder, "no-folder"), "");
    await expect(runFolder(folder, "no-folder").read("exit-code")).rejects.toMatchObject({
      code: "CONTAINER_RUN_FOLDER",
    });
  });

  it("with recorded output that cannot be read are told of once, and the container is watched on", async () => {
    mkdirSync(path.join(folder, "output/output.1"), { recursive: true });
    const lines = createOutputLines(10, () => undefined);
    const follower = followRecorded(path.join(folder, "output"), lines);
    for (let look = 0; look < 3; look++) await follower.catchUp();
    lines.end();
    expect(lines.lastLines()).toEqual([expect.stringMatching(/cannot be read \(EISDIR\)$/)]);
    const missing = createOutputLines(10, () => undefined);
    await followRecorded(path.join(folder, "nothing"), missing).catchUp();
    missing.end();
    expect(missing.lastLines()).toEqual([]);
  });
});
