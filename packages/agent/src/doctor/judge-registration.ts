/** Whether this machine has joined its operator, as far as the machine itself can tell. */
import type { OperatorState } from "../upgrade/index.ts";
import { DoctorError } from "./errors.ts";
import type { OperatorTarget } from "./operator-target.ts";
import { ok, skipped, warn, type Verdict } from "./verdict.ts";

export interface RegistrationFacts {
  readonly target: OperatorTarget;
  /** What the agent that runs says; undefined where none runs or it asks nobody. */
  readonly operator: OperatorState | undefined;
  readonly saved: { readonly path: string; readonly savedMs: number } | undefined;
  /** The service that registers the machine at its first start is there. */
  readonly hasRegisterUnit: boolean;
  readonly nowMs: number;
}

export function judgeRegistration(facts: RegistrationFacts): Verdict<undefined> {
  const { target, operator, saved, hasRegisterUnit, nowMs } = facts;
  if (operator?.trouble !== undefined) {
    const last =
      operator.reached === undefined
        ? "it has not answered yet"
        : `it last answered ${agoText(operator.reached, nowMs)}`;
    return warn(
      new DoctorError(
        "DOCTOR_OPERATOR_TROUBLE",
        `the agent hears nothing from its operator, ${last}: ${oneLine(operator.trouble)}`,
      ),
    );
  }
  if (operator?.reached !== undefined) return ok(`the operator answered the agent ${agoText(operator.reached, nowMs)}`);
  if (saved !== undefined)
    return ok(`registered on ${new Date(saved.savedMs).toISOString().slice(0, 10)}, as ${saved.path} says`);
  if (target.kind !== "known") return skipped("this machine is to register with no operator");
  if (hasRegisterUnit) {
    return warn(
      new DoctorError(
        "DOCTOR_UNREGISTERED",
        `this machine has not registered with ${new URL(target.options.url).host} yet`,
      ),
    );
  }
  return skipped("no service of this machine registers it, so that nothing tells whether somebody did");
}

function agoText(iso: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`;
}

function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, 300);
}
