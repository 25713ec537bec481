/** The one file that is shipped: alone on a machine, starting itself, running as a daemon; and what is built with it. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startProgram, startSources } from "./ros-agent.ts";
import { runAlone, singleExecutable, startAlone } from "./single-executable.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const BUILT = path.join(ROOT, "dist/ros-agent");

let folder = "";
let executable = "";
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "executable-"));
  executable = await singleExecutable(path.join(folder, "bin"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

describe("the single executable", () => {
  it("is tried where there is neither this checkout nor a node", async () => {
    const { stdout } = await runAlone(["sh", "-c", `ls -A ${ROOT} | wc -l; command -v node || echo none`]);
    expect(stdout).toBe("0\nnone\n");
  });

  it("reads the hardware by starting itself", async () => {
    const { code, stdout, stderr } = await runAlone([executable, "hardware", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const hardware: unknown = JSON.parse(stdout);
    expect(hardware).toHaveProperty("memory");
    expect(hardware).toHaveProperty("cpu");
  });

  it("records a container's output by being started, and ends with it", async () => {
    const records = path.join(folder, "records");
    mkdirSync(records);
    const recorder = spawn(executable, ["own-job:record-output", records], {
      env: {},
      stdio: ["ignore", "inherit", "inherit", "pipe", "pipe", "pipe"],
    });
    const descriptors: readonly unknown[] = recorder.stdio;
    await text(descriptors[5] as NodeJS.ReadableStream);
    (descriptors[3] as NodeJS.WritableStream).end("to stdout");
    (descriptors[4] as NodeJS.WritableStream).end("to stderr");
    await once(recorder, "close");
    expect(recorder.exitCode).toBe(0);
    const recorded = readFileSync(path.join(records, "output.1"), "latin1");
    expect(recorded).toContain("to stdout");
    expect(recorded).toContain("to stderr");
    expect(statSync(path.join(records, "output.end")).size).toBe(0);
  });

  it("takes no options from NODE_OPTIONS, as it runs as root for others", async () => {
    const { code, stdout, stderr } = await runAlone([executable, "version"], {
      NODE_OPTIONS: "--require=/nonexistent",
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("ros-agent");
  });

  it("is the daemon: ready, answering on its socket, ended by SIGTERM", async () => {
    for (const name of ["state", "run", "host"]) mkdirSync(path.join(folder, name));
    const folders = ["--state-folder", path.join(folder, "state"), "--run-folder", path.join(folder, "run")];
    const host = path.join(folder, "host");
    const daemon = startAlone([executable, "run", "--without-operator", "--host-root", host, ...folders]);
    const ready = Promise.withResolvers<void>();
    daemon.child.stderr?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("ready")) ready.resolve();
    });
    await Promise.race([ready.promise, daemon.outcome]);
    const status = await runAlone([executable, "status", "--json", ...folders]);
    expect({ code: status.code, stderr: status.stderr }).toEqual({ code: 0, stderr: "" });
    daemon.child.kill("SIGTERM");
    expect((await daemon.outcome).code).toBe(0);
  });

  it("tells the commit as the checkout does", async () => {
    const ours = await runAlone([executable, "version", "--json"]);
    const theirs = await startSources(["version", "--json"]).outcome;
    expect(JSON.parse(ours.stdout)).toEqual(JSON.parse(theirs.stdout));
  });
});

describe("scripts/build-agent", () => {
  it("writes a checksum that sha256sum takes", async () => {
    const command = ["sh", "-c", `cd ${ROOT}/dist && sha256sum --check --strict --ignore-missing ros-agent.sha256`];
    const { code, stdout } = await startProgram(command).outcome;
    expect({ code, first: stdout.split("\n")[0] }).toEqual({ code: 0, first: "ros-agent: OK" });
  });

  it("makes the same bytes of the same sources in another folder, by another clock, language and umask", async () => {
    const other = path.join(folder, "other");
    const out = path.join(folder, "out");
    mkdirSync(other);
    const { commit } = JSON.parse((await runAlone([executable, "version", "--json"])).stdout) as {
      commit: string | null;
    };
    const script = `mount --bind "$1" "$2" && umask 077 && exec "$2/scripts/build-agent" --no-xz --out "$3" --commit "$4"`;
    const asUser = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
    const command = ["unshare", "--mount", ...asUser, "sh", "-c", script, "sh", ROOT, other, out, commit ?? ""];
    const { code, stderr } = await startProgram(command, { TZ: "Asia/Tokyo", LANG: "tr_TR.UTF-8" }).outcome;
    expect(code, stderr).toBe(0);
    expect(sha256(path.join(out, "ros-agent"))).toBe(sha256(BUILT));
    expect(readFileSync(path.join(out, "ros-agent.cdx.json"), "utf8")).toBe(readFileSync(`${BUILT}.cdx.json`, "utf8"));
  });

  it("says which processor it does not know, and what it is for", async () => {
    const build = path.join(ROOT, "scripts/build-agent");
    const wrong = await startProgram([build, "--arch", "mips"]).outcome;
    expect({ code: wrong.code, stderr: wrong.stderr }).toEqual({
      code: 1,
      stderr: "build: --arch takes one of x64, arm64, not mips\n",
    });
    const help = await startProgram([build, "--help"]).outcome;
    expect(help.stdout).toContain("usage: scripts/build-agent [--arch x64|arm64]");
  });
});
