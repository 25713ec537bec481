#!/usr/bin/env node
/** The operator's executable. */
import { setDefaultAutoSelectFamilyAttemptTimeout } from "node:net";
import { isCodedError } from "@rancheros/protocol/errors";
import manifest from "../package.json" with { type: "json" };
import { crdsYaml } from "./crds.ts";
import { displayedFile, readDisplayed } from "./display.ts";
import { helpText } from "./help.ts";
import { readSettings, SettingsError } from "./settings/index.ts";
import type { Log } from "./telemetry/index.ts";
import type { Tracing } from "./tracing/index.ts";

/**
 * Of a server's addresses each but the last has this time, and is never tried again: Node's half a second is less than a lost
 * packet takes, and an IPv6 address without a route is then all that is left.
 */
const ADDRESS_ATTEMPT_MS = 2_000;

async function run(args: readonly string[]): Promise<void> {
  setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_ATTEMPT_MS);
  const settings = readSettings(args, process.env);
  const stop = new AbortController();
  // What only the service needs is not loaded for `crds` and `--help`.
  const [
    { connectKubernetes, createClusterClock, loadKubeConfig },
    { startOperator },
    { createLog, createMetrics, errorFields },
  ] = await Promise.all([import("./controller/index.ts"), import("./operator.ts"), import("./telemetry/index.ts")]);
  const log = createLog(settings.logLevel);
  const ended = new Promise<void>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.once(name, () => {
        // First, since what the abort ends is no failure of the start any more.
        resolve();
        stop.abort();
        process.once(name, () => process.exit(1));
      });
    }
  });
  const metrics = createMetrics(manifest.version);
  const tracer = await tracingFor(log);
  const clock = createClusterClock({
    wallMs: () => Date.now(),
    steadyMs: () => performance.now(),
    onVerdict(isWrong, aheadMs) {
      const fields = { aheadSeconds: Math.round(aheadMs / 1_000) };
      if (isWrong) log.warn("this replica's clock is wrong: it goes by the API server's", fields);
      else log.info("this replica's clock is right again", fields);
    },
  });
  const kubernetes = connectKubernetes(loadKubeConfig(...settings.kubeconfigFiles), {
    onCall(call) {
      metrics.countApiCall(call);
      tracer?.apiCall(call);
    },
    onDate: (answer) => clock.observe(answer),
  });
  const started = startOperator(settings, kubernetes, { log, metrics, tracer, clock }, stop.signal);
  await Promise.race([started, ended]);
  await ended;
  log.info("stopping");
  const stopped = started.then(
    async (operator) => operator.stop(),
    // What it was waiting for, such as an API server that is away, is nobody's trouble any more.
    (error: unknown) => log.info("stopped before it had begun", errorFields(error)),
  );
  await Promise.race([stopped, failAfter(LONGEST_STOP_MS)]);
  await tracer?.stop();
  log.info("stopped");
  process.exit(0);
}

/** Without an endpoint nothing of it is even loaded. */
async function tracingFor(log: Log): Promise<Tracing | undefined> {
  const names = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  if (!names.some((name) => process.env[name])) return undefined;
  const { readTraceSettings, startTracing } = await import("./tracing/index.ts");
  const choice = readTraceSettings(process.env);
  if (choice.kind === "wrong") log.error("no traces are sent", { problems: choice.problems.join("; ") });
  if (choice.kind !== "on") return undefined;
  log.info("traces are sent");
  return startTracing(choice.settings, manifest.version, log);
}

/** Well below five seconds, on a busy machine as well. */
const LONGEST_STOP_MS = 4_000;

async function failAfter(delayMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** What a command was asked for. Its reader may go away when it has read enough, as head does. */
function print(data: string | Uint8Array): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return;
    process.stderr.write(`Error: stdout could not be written: ${error.message}\n`);
    process.exit(1);
  });
  process.stdout.write(data);
}

/** Whoever gives them settings is mistaken about what they do. */
const ALONE: ReadonlySet<string> = new Set(["crds", "version", "--version"]);

async function main(args: readonly string[]): Promise<void> {
  const [command = "run", ...rest] = args;
  if (args.includes("--help") || args.includes("-h") || command === "help") print(helpText());
  else if (rest.length > 0 && ALONE.has(command)) {
    throw new SettingsError("SETTINGS_INVALID", [
      `${command} takes nothing else, and was given ${JSON.stringify(rest)}`,
    ]);
  } else if (command === "crds") print(crdsYaml());
  else if (command === "display") print(await readDisplayed(displayedFile(rest)));
  else if (command === "version" || command === "--version") print(`${manifest.version}\n`);
  else if (command === "run") await run(rest);
  else if (command.startsWith("-")) await run(args);
  else
    throw new SettingsError("SETTINGS_INVALID", [
      `there is no command ${JSON.stringify(command)}; see rancheros-operator --help`,
    ]);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`Error: ${text}\n`);
  if (isCodedError(error)) process.stderr.write(`${error.mend} (${error.code})\n`);
  process.exit(isCodedError(error) && error.failure === "usage" ? 2 : 1);
});
