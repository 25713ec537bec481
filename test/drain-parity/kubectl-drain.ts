/** Runs the real kubectl drain over nodes, and reads its output as one outcome a node. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { KubectlTarget } from "../control-plane/kubectl.ts";
import { kubectlFlags, type Combination } from "./combinations.ts";
import { asSet, requestText, splitErrors, splitWarnings, type Outcome, type RemovalRequest } from "./outcome.ts";
import type { Place } from "./population-objects.ts";

const DEADLINE_MS = 60_000;
/** What kubectl has said that it asks for is answered after so long. Shorter than its pause between two attempts. */
const LAST_ANSWER_MS = 2_000;

export interface KubectlRun {
  /** As whom the API server's audit log has it. */
  readonly user: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined where it was stopped. */
  readonly exitCode: number | undefined;
}

export interface KubectlDrain {
  readonly nodes: readonly string[];
  readonly combination: Combination;
  readonly dryRun: boolean;
  readonly user: string;
  /** Looks at the output so far; true stops kubectl, which is then endless. */
  readonly isEndless?: (stdout: string, stderr: string) => boolean;
  /** Stops kubectl so long after its start. */
  readonly endlessAfterMs?: number;
}

export function kubectlArgs({ nodes, combination, dryRun, user }: Omit<KubectlDrain, "isEndless">): readonly string[] {
  const identity = [`--as=${user}`, "--as-group=system:masters"];
  return ["drain", ...nodes, ...kubectlFlags(combination), ...identity, ...(dryRun ? ["--dry-run=server"] : [])];
}

/** @throws when it neither ends nor is stopped */
export async function runKubectlDrain(target: KubectlTarget, drain: KubectlDrain): Promise<KubectlRun> {
  const { user } = drain;
  const args = kubectlArgs(drain);
  const child = spawn(path.join(target.binariesFolder, "kubectl"), args, {
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      KUBECONFIG: target.kubeconfigPath,
      KUBECACHEDIR: path.join(path.dirname(target.kubeconfigPath), "kubectl-cache"),
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: DEADLINE_MS,
  });
  let stdout = "";
  let stderr = "";
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    child.kill("SIGKILL");
  };
  const late = drain.endlessAfterMs === undefined ? undefined : setTimeout(stop, drain.endlessAfterMs);
  const look = (): void => {
    if (stopped || drain.isEndless?.(stdout, stderr) !== true) return;
    stopped = true;
    setTimeout(stop, LAST_ANSWER_MS);
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
    look();
  });
  await once(child, "close");
  clearTimeout(late);
  if (child.exitCode === null && !stopped) {
    throw new Error(`kubectl ${args.join(" ")} did not end in ${DEADLINE_MS} ms:\n${stdout}${stderr}`);
  }
  return { user, stdout, stderr, exitCode: child.exitCode ?? undefined };
}

/**
 * What the run says of one of its nodes. Pods are known by their namespace, which is the node's own.
 * @param requests  of the run's user, from the audit log
 */
export function kubectlOutcome(run: KubectlRun, place: Place, requests: readonly RemovalRequest[]): Outcome {
  const { node, namespace } = place;
  const out = run.stdout.split("\n");
  const err = run.stderr.split("\n");
  const said = (state: string): boolean =>
    out.some((line) => line === `node/${node} ${state}` || line === `node/${node} ${state} (server dry run)`);
  const unable = matching(
    err,
    new RegExp(`^error: unable to drain node "${node}" due to error: (.*), continuing command\\.\\.\\.$`),
  );
  const warnings = matching(err, /^Warning: (.*)$/).flatMap((text) => splitWarnings(text));
  return {
    ending: said("drained") ? "drained" : unable.length > 0 ? "failed" : "endless",
    cordon: said("already cordoned") ? "already cordoned" : "cordoned",
    requests: asSet(requests.filter((request) => request.namespace === namespace).map(requestText)),
    retried: asSet(matching(err, retryOf(namespace))),
    warnings: asSet(warnings.filter((text) => text.includes(`${namespace}/`))),
    errors: unable.flatMap((text) => splitErrors(text)),
    pending: pendingOf(err, node),
    endings: asSet(
      matching(
        out,
        /^(pod\/\S+ (?:evicted|deleted|eviction failed|deletion failed)|pod "\S+" has DeletionTimestamp older.*)$/,
      ),
    ),
  };
}

function matching(lines: readonly string[], pattern: RegExp): readonly string[] {
  return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
}

function retryOf(namespace: string): RegExp {
  return new RegExp(`^error when evicting (pods/"\\S+") -n "${namespace}" \\(will retry after 5s\\): .*$`);
}

/** The lines "pod/NAME" below "There are pending pods in node ...". */
function pendingOf(lines: readonly string[], node: string): readonly string[] {
  const start = lines.findIndex((line) => line.startsWith(`There are pending pods in node "${node}"`));
  if (start === -1) return [];
  const names: string[] = [];
  for (const line of lines.slice(start + 1)) {
    if (!line.startsWith("pod/")) break;
    names.push(line.slice("pod/".length));
  }
  return asSet(names);
}
