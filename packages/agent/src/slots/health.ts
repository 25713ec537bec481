/** What systemd says of a machine, as failures in sentences. */

export interface SystemFacts {
  /** `systemctl is-system-running` */
  readonly state: string;
  /** Names of units that failed. */
  readonly failedUnits: readonly string[];
  /** Of the agent's own service: `active`, `activating`, `inactive`, ...; `not-found` or `masked` where it cannot be started. */
  readonly agentState: string;
  /** Of the target that stands for a machine that is up. */
  readonly targetState: string;
  /** Why the policies about signed images cannot be read; undefined where they can. */
  readonly policyProblem: string | undefined;
  readonly checks: readonly { readonly name: string; readonly failure: string | undefined; readonly output: string }[];
}

/** @param ignoredUnits  whose failure does not count */
export function healthFailures(facts: SystemFacts, ignoredUnits: readonly string[]): readonly string[] {
  const failures: string[] = [];
  for (const unit of facts.failedUnits) {
    if (!ignoredUnits.includes(unit)) failures.push(`the unit ${unit} has failed`);
  }
  if (facts.state === "stopping" || facts.state === "maintenance") failures.push(`the system is ${facts.state}`);
  if (facts.targetState !== "active")
    failures.push(`the system is not up yet (multi-user.target is ${facts.targetState})`);
  if (facts.agentState !== "active") failures.push(`ros-agent.service is ${facts.agentState}`);
  // Such a system would be the last one: an image that mends the policy could not come either.
  if (facts.policyProblem !== undefined) failures.push(`no image could come: ${facts.policyProblem}`);
  for (const { name, failure, output } of facts.checks) {
    if (failure === undefined) continue;
    const said = output.trim();
    failures.push(`the check ${name} ${failure}${said === "" ? "" : `: ${said}`}`);
  }
  return failures;
}

export interface MachineLook {
  readonly facts: (signal: AbortSignal) => Promise<Omit<SystemFacts, "checks" | "policyProblem">>;
  /** The administrator's. */
  readonly runChecks: (signal: AbortSignal) => Promise<SystemFacts["checks"]>;
  /** Of the machine's policies about signed images. */
  readonly readPolicies: () => Promise<unknown>;
  /** Whose failure does not count. */
  readonly ignoredUnits: readonly string[];
}

/** @returns what is not well now, one sentence each; none where all is */
export async function lookAtMachine(look: MachineLook, signal: AbortSignal): Promise<readonly string[]> {
  const facts = await look.facts(signal);
  const policyProblem = await look.readPolicies().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return healthFailures({ ...facts, policyProblem, checks: await look.runChecks(signal) }, look.ignoredUnits);
}
