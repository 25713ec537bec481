/**
 * `ros-agent run` that dies once at each fault point that lies as a file of that name in the folder faults of its machine.
 * For tests of whole machines, which give it the flags that they give to ros-agent; what they do not use it does not know.
 */
import { rmSync } from "node:fs";
import { flushCompileCache } from "node:module";
import path from "node:path";
import { parseArgs } from "node:util";
import { runDaemon } from "@rancheros/agent/daemon";
import { nodeContainers } from "@rancheros/agent/upgrade";
import { withOperator } from "../../packages/cli/src/registration-run.ts";
import { registrationTarget } from "../../packages/cli/src/registration-target.ts";

const text = { type: "string" } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "ca-cert": text,
    "smbios-dump": text,
    tcti: text,
    "host-root": text,
    "state-folder": text,
    "run-folder": text,
    "pull-rate": text,
  },
});
const hostRoot = values["host-root"] ?? "";
const runFolder = values["run-folder"] ?? "";
const log = (line: string): void => void process.stderr.write(`${line}\n`);
const ended = new AbortController();
process.on("SIGTERM", () => ended.abort());
const surroundings = { environment: process.env, signal: ended.signal };

function reach(point: string): void {
  const file = path.join(hostRoot, "faults", point);
  try {
    rmSync(file);
  } catch {
    // Not here, or not any more.
    return;
  }
  // Otherwise each of its many starts would compile everything anew.
  flushCompileCache();
  process.kill(process.pid, "SIGKILL");
}

const target = await registrationTarget({
  url: positionals[1],
  config: undefined,
  caCert: values["ca-cert"],
  caSha256: undefined,
  allowHttp: false,
  allowBare: true,
  signal: new AbortController().signal,
});
await withOperator(
  {
    server: { ...target, ...surroundings, timeoutMs: 30_000 },
    withoutEkCertificate: false,
    tcti: values.tcti,
    endorsementKey: "any",
    smbios: { folder: values["smbios-dump"] },
    hostRoot,
    labels: {},
    annotations: {},
    surroundings,
    remark: log,
  },
  (operator) =>
    runDaemon({
      hostRoot,
      stateFolder: values["state-folder"] ?? "",
      runFolder,
      kubeconfig: undefined,
      checkTimeoutMs: 60_000,
      environment: process.env,
      log,
      containers: nodeContainers({
        hostRoot,
        runFolder,
        choice: {},
        registriesPath: undefined,
        bytesPerSecond: undefined,
        recorder: undefined,
        log,
      }),
      operator,
      pid: process.pid,
      signal: ended.signal,
      onReady: () => log("ready"),
      reach,
    }),
);
