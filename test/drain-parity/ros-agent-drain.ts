/** Runs `ros-agent drain` as people do, and gives its output the form of kubectl's, so that one reader reads both. */
import { rosAgent } from "../../packages/cli/test/integration/ros-agent.ts";
import { kubectlFlags, type Combination } from "./combinations.ts";
import type { KubectlRun } from "./kubectl-drain.ts";

/** kubectl knows two endings; ros-agent's exit codes tell more: refused, gave up waiting, this machine lacks something. */
export const FAILURE_CODES: readonly number[] = [5, 6, 8];

export interface RosAgentDrain {
  readonly kubeconfigPath: string;
  /** Whom the kubeconfig logs in. */
  readonly user: string;
  readonly node: string;
  readonly combination: Combination;
}

/** A dry run, asked of the server. The flags are kubectl's, letter by letter. */
export async function runRosAgentDrain(drain: RosAgentDrain): Promise<KubectlRun> {
  const { kubeconfigPath, user, node, combination } = drain;
  const flags = [...kubectlFlags(combination), "--dry-run=server", `--kubeconfig=${kubeconfigPath}`];
  const { code, stdout, stderr } = await rosAgent(["drain", node, ...flags]);
  return { user, stdout, stderr: stderr.split("\n").map(inKubectlsForm).join("\n"), exitCode: code ?? undefined };
}

/** The error line has the error's code behind it, and the budgets that held pods: both are listed deviations. */
function inKubectlsForm(line: string): string {
  const [, text] = /^Error: (unable to drain node .*) \(DRAIN_[A-Z_]+\)$/.exec(line) ?? [];
  if (text === undefined) return line;
  return `error: ${text.replace(/; held by the PodDisruptionBudget .*$/, "")}, continuing command...`;
}
