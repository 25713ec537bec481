/** Debian's podman. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { engineCommand, type TestEngine } from "./test-engine.ts";

/** @param folder  made when missing; short */
export async function startPodman(folder: string): Promise<TestEngine> {
  if (process.getuid?.() !== 0) throw new Error("tests that run containers need root: run them with sudo");
  mkdirSync(folder, { recursive: true });
  // A machine without CAP_SYS_RESOURCE cannot give podman's usual limits to containers.
  const configuration =
    '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nruntime = "runc"\n';
  writeFileSync(
    path.join(folder, "containers.conf"),
    `${configuration}cgroup_manager = "cgroupfs"\nevents_logger = "file"\n`,
  );
  const program = path.join(folder, "podman");
  const storage = `--root ${folder}/root --runroot ${folder}/runroot --tmpdir ${folder}/tmp --storage-driver vfs`;
  writeFileSync(program, `#!/bin/sh\nCONTAINERS_CONF=${folder}/containers.conf exec podman ${storage} "$@"\n`, {
    mode: 0o755,
  });
  const command = engineCommand(program, []);
  return {
    runtime: {
      kind: "podman",
      origin: "set",
      program: [program],
      socket: undefined,
      namespace: undefined,
      snapshotter: undefined,
    },
    command,
    stop: async () => void command("system", "reset", "--force"),
  };
}
