/** The checks of the agent itself: its services, its registration, and what it says of its upgrades. */
import { CodedError, type ErrorTable } from "@rancheros/protocol/errors";
import { SIGNATURE_ERRORS } from "@rancheros/protocol/signatures";

import { CONTAINER_ERRORS } from "../containers/index.ts";
import { DRAIN_ERRORS } from "../drain/index.ts";
import { IMAGE_PULL_ERRORS } from "../images/index.ts";
import { NODE_API_ERRORS } from "../kubernetes/index.ts";
import { REGISTRATION_ERRORS } from "../registration/index.ts";
import { SLOT_ERRORS } from "../slots/index.ts";
import { UPGRADE_ERRORS, UpgradeError, type AgentState } from "../upgrade/index.ts";
import { NOTHING, ifFound, type Checkup } from "./checkup.ts";
import type { DoctorOutside } from "./doctor-outside.ts";
import { DoctorError } from "./errors.ts";
import { judgeRegistration } from "./judge-registration.ts";
import { AGENT_UNIT, judgeServices, NODE_UNITS, OWN_UNITS } from "./judge-services.ts";
import type { OperatorTarget } from "./operator-target.ts";
import { ok, skipped, warn, type Verdict } from "./verdict.ts";

export function addAgentChecks(checkup: Checkup, outside: DoctorOutside, target: OperatorTarget): void {
  checkup.add("services", {
    needs: NOTHING,
    run: async (_needed, signal) => {
      const units = await outside.readUnits([...OWN_UNITS, ...NODE_UNITS], signal);
      if (units !== undefined) return judgeServices(units);
      if (!outside.isSystemdBooted()) return skipped("systemd does not run here");
      throw new DoctorError("DOCTOR_SYSTEMD_SILENT", "systemctl does not say how the units are");
    },
  });
  const agent = checkup.add("agent", {
    needs: NOTHING,
    run: async () => {
      const state = await outside.readAgentState();
      return withValue(judgeAgent(state), state);
    },
    late: () => new UpgradeError("UPGRADE_AGENT_SILENT", "the agent that runs does not answer"),
  });
  checkup.add("registration", {
    needs: ifFound(agent),
    run: async (state, signal) => {
      const units = await outside.readUnits(["ros-agent-register.service", AGENT_UNIT], signal);
      return judgeRegistration({
        target,
        operator: state?.operator,
        saved: await outside.readRegistered(),
        hasRegisterUnit:
          units?.some(({ name, loadState }) => name.startsWith("ros-agent-register") && loadState === "loaded") ??
          false,
        nowMs: outside.wallMs(),
      });
    },
  });
}

const TABLES: readonly ErrorTable<string>[] = [
  UPGRADE_ERRORS,
  NODE_API_ERRORS,
  DRAIN_ERRORS,
  CONTAINER_ERRORS,
  IMAGE_PULL_ERRORS,
  SLOT_ERRORS,
  SIGNATURE_ERRORS,
  REGISTRATION_ERRORS,
];

export function judgeAgent({ agentPid, phase, reason, trouble, message, isUnderWay }: AgentState): Verdict<undefined> {
  const who = agentPid === undefined ? "does not run; its journal says" : `runs, process ${agentPid},`;
  // How an upgrade ended long ago is for `status`; what the agent or an upgrade under way meets is for now.
  const problem = trouble ?? (isUnderWay ? reason : undefined);
  if (problem !== undefined) {
    const table = TABLES.find((one) => Object.hasOwn(one, problem.code)) ?? UPGRADE_ERRORS;
    const code = Object.hasOwn(table, problem.code) ? problem.code : "UPGRADE_DEFECT";
    const where = isUnderWay ? `the upgrade is in ${phase}: ` : "";
    return warn(new CodedError<string>(table, code, `${where}${problem.message}`));
  }
  const why = message === undefined ? "" : `: ${message}`;
  return ok(`${who} ${phase}${isUnderWay ? why : ""}`);
}

function withValue<T>(verdict: Verdict<unknown>, value: T): Verdict<T> {
  return verdict.kind === "ok" || verdict.kind === "warn" ? { ...verdict, value } : verdict;
}
