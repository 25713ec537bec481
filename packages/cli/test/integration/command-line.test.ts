/** What every command has in common: help, usage errors, output, exit codes, secrets. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

import { AGENT_SOURCES } from "../../../../test/machine/agent-program.ts";
import { EXIT_CODES, SUCCESS } from "../../src/exit-codes.ts";
import { SUMMARIES } from "../../src/summaries.ts";
import { TOKEN } from "./registration-server.ts";
import { errorOf, rosAgent, startSources } from "./ros-agent.ts";

describe("help", () => {
  it("lists the commands and the exit codes", async () => {
    const { code, stdout, stderr } = await rosAgent(["help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const name of Object.keys(SUMMARIES)) expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
    for (const { code: number } of Object.values(EXIT_CODES)) expect(stdout).toMatch(new RegExp(`^ +${number}  `, "m"));
  });

  it.each(Object.keys(SUMMARIES))("of %s has its sentence and an example, however it is asked for", async (name) => {
    const { code, stdout } = await rosAgent(["help", name]);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(SUMMARIES[name as keyof typeof SUMMARIES]);
    expect(stdout).toContain("EXAMPLE");
    expect(stdout).toContain(`$ ros-agent ${name}`.replace("smbios", "smbios"));
    expect((await rosAgent([name, "--help"])).stdout).toBe(stdout);
  });

  it("on exit codes is a table", async () => {
    const { stdout } = await rosAgent(["help", "exit-codes"]);
    expect(stdout).toContain(`${SUCCESS.code}  ${SUCCESS.meaning}`);
    expect(stdout).toContain("130  ");
  });

  it("has no colours into a pipe, nor with NO_COLOR", async () => {
    for (const environment of [{}, { NO_COLOR: "1", FORCE_COLOR: "0" }]) {
      const { stdout } = await rosAgent(["help", "register"], environment);
      expect(stdout).not.toContain("\u001B");
    }
  });
});

describe("a wrong command line", () => {
  it.each([
    ["run", ["containerd, nerdctl, podman, docker", "rsa2048, rsa3072, ecc-p256"]],
    ["register", ["attestation, legacy"]],
    ["drain", ["none, client, server"]],
    ["config apply", ["auto, native, yip, cloud-init"]],
  ])("of %s says which values its options take", async (name, values) => {
    const { stdout } = await rosAgent(["help", ...name.split(" ")]);
    for (const one of values) expect(stdout.replaceAll(/\s+/g, " ")).toContain(`One of ${one}.`);
  });

  it("without a command shows the help on stderr", async () => {
    const { code, stdout, stderr } = await rosAgent([]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("COMMANDS");
  });

  it.each([
    { args: ["get-tpm-hsh"], says: "Did you mean `ros-agent get-tpm-hash`?" },
    { args: ["frobnicate"], says: "`ros-agent help` lists the commands." },
    { args: ["help", "regster"], says: "Did you mean `ros-agent register`?" },
    { args: ["version", "--jsn"], says: "Did you mean --json?" },
    { args: ["register", "--output"], says: "--output" },
    { args: ["register", "https://h/x", "--check", "--wait", "5m"], says: "--wait" },
    { args: ["register", "https://h/x", "--timeout", "soon"], says: "--timeout" },
    { args: ["version", "extra"], says: "Unexpected argument: extra" },
    { args: ["register"], says: "no registration URL was given" },
    { args: ["register", "ftp://h/x"], says: "ftp:" },
    { args: ["register", "--config", "/dev/null"], says: "rancheros.install.registrationURL" },
  ])("$args", async ({ args, says }) => {
    const { code, stdout, stderr } = await rosAgent(args);
    expect(code, stderr).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(2);
  });

  it("is told as one JSON document with --json", async () => {
    const outcome = await rosAgent(["version", "--json", "--nonsense"]);
    expect(outcome.code).toBe(2);
    expect(errorOf(outcome)).toEqual({
      code: "CLI_USAGE",
      message: "Nonexistent flag: --nonsense",
      mend: "`ros-agent help version` describes its flags and arguments.",
      retry: "never",
      details: {},
    });
    expect(outcome.stderr).toBe("");
  });

  it("does not repeat a registration token", async () => {
    const url = `https://h/v1-rancheros/registration/${TOKEN}`;
    for (const args of [[url], ["version", url], ["register", url, url], ["register", `--${url}`]]) {
      const { code, stdout, stderr } = await rosAgent(args, { DEBUG: "1" });
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain(TOKEN);
    }
  });
});

describe("version", () => {
  it("is that of the package", async () => {
    const file = fileURLToPath(new URL("../../package.json", import.meta.url));
    const { version } = JSON.parse(await readFile(file, "utf8")) as { version: string };
    expect((await rosAgent(["version"])).stdout).toBe(
      `ros-agent ${version} (node ${process.versions.node}, linux-${process.arch})\n`,
    );
    expect((await rosAgent(["--version"])).stdout).toContain(version);
    const json = JSON.parse((await startSources(["version", "--json"]).outcome).stdout) as unknown;
    const git = await promisify(execFile)("git", ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]);
    expect(json).toEqual({
      version,
      commit: git.stdout.trim(),
      node: process.versions.node,
      platform: `linux-${process.arch}`,
    });
  });
});

describe("output", () => {
  it("may be read by somebody who goes away", async () => {
    const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
    const child = spawn(process.execPath, [main, "help"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    const remarks: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => remarks.push(chunk));
    await once(child, "close");
    expect(Buffer.concat(remarks).toString()).toBe("");
    expect(child.exitCode).toBe(0);
  });

  it.each([[["version"]], [["help"]], [["config", "show", "--json"]]])(
    "of %j that has no room is no success",
    async (args) => {
      const full = openSync("/dev/full", "w");
      const child = spawn(process.execPath, [AGENT_SOURCES, ...args], { stdio: ["ignore", full, "pipe"] });
      closeSync(full);
      if (child.stderr === null) throw new Error("no pipe");
      const [remarks] = await Promise.all([text(child.stderr), once(child, "close")]);
      expect(remarks).toContain("Error: not all of it could be printed: ENOSPC");
      expect(remarks).toContain("(CLI_OUTPUT_LOST)");
      expect(child.exitCode).toBe(8);
    },
  );
});
