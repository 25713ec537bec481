/** Debian's docker, with a daemon of its own that touches neither the machine's network nor its firewall. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { unmountBelow } from "../containerd/index.ts";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import { engineCommand, type TestEngine } from "./test-engine.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/docker-binaries", import.meta.url));
const READY_DEADLINE_MS = 60_000;
const STOP_GRACE_MS = 20_000;

/** A machine without CAP_SYS_RESOURCE cannot give it to privileged containers, as docker wants. */
const RUNC = `#!/bin/sh
for argument; do
  if [ "$previous" = --bundle ]; then
    sed -i 's/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"\\]/]/g' "$argument/config.json"
  fi
  previous="$argument"
done
PATH="\${PATH#*:}" exec runc "$@"
`;

/** @param folder  made when missing; short, as sockets lie in it */
export async function startDocker(folder: string): Promise<TestEngine> {
  if (process.getuid?.() !== 0) throw new Error("tests that run containers need root: run them with sudo");
  mkdirSync(folder, { recursive: true });
  const binaries = await findDockerBinaries();
  writeFileSync(path.join(folder, "runc"), RUNC, { mode: 0o755 });
  const socket = path.join(folder, "docker.sock");
  const daemon = new TetheredProcess({
    name: "dockerd",
    // It looks for its containerd and runc in PATH.
    executable: "/usr/bin/env",
    args: [
      `PATH=${folder}:${binaries}:${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`,
      path.join(binaries, "dockerd"),
      `--data-root=${folder}/data`,
      `--exec-root=${folder}/exec`,
      `--pidfile=${folder}/pid`,
      `--host=unix://${socket}`,
      "--iptables=false",
      "--ip6tables=false",
      "--bridge=none",
    ],
    folder,
  });
  const program = path.join(binaries, "docker");
  const command = engineCommand(program, ["--host", `unix://${socket}`]);
  const deadlineMs = performance.now() + READY_DEADLINE_MS;
  while (!answers(command)) {
    if (daemon.running && performance.now() < deadlineMs) {
      await sleep(100);
      continue;
    }
    await daemon.kill();
    throw new Error(`dockerd did not come up. Its last lines:\n${daemon.lastLines()}`);
  }
  return {
    runtime: {
      kind: "docker",
      origin: "set",
      program: [program],
      socket,
      namespace: undefined,
      snapshotter: undefined,
    },
    command,
    async stop() {
      const left = command("ps", "--all", "--quiet");
      if (left !== "") command("rm", "--force", ...left.split("\n"));
      await daemon.stop(STOP_GRACE_MS);
      await unmountBelow(folder);
    },
  };
}

function answers(command: TestEngine["command"]): boolean {
  try {
    command("version");
    return true;
  } catch {
    return false;
  }
}

/** @returns the folder that holds dockerd, docker and what they start */
async function findDockerBinaries(): Promise<string> {
  const script = spawn(SCRIPT, [], { stdio: ["ignore", "pipe", "inherit"] });
  const [folder] = await Promise.all([text(script.stdout), once(script, "exit")]);
  if (script.exitCode !== 0) throw new Error("scripts/docker-binaries failed: its reason is above");
  return folder.trim();
}
