/** What the command line says to the agent that runs, and what that answers: one line of JSON each. */
import { isCodedError } from "@rancheros/protocol/errors";
import { isJsonObject } from "@rancheros/protocol/messages";

export type ControlCommand = "status" | "abort" | "upgrade" | "rollback" | "cancel-rollback";

export interface ControlRequest {
  readonly command: ControlCommand;
  /** Of `upgrade`: an order as the journal has it. */
  readonly argument: unknown;
}

export type ControlAnswer =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** A plan with all that it may hold. */
export const CONTROL_MAX_BYTES = 32 * 1024 * 1024;

const COMMANDS: readonly ControlCommand[] = ["status", "abort", "upgrade", "rollback", "cancel-rollback"];

/** @returns undefined for anything but a request */
export function readControlRequest(line: string): ControlRequest | undefined {
  const json = parse(line);
  if (!isJsonObject(json)) return undefined;
  const command = COMMANDS.find((one) => one === json["command"]);
  return command === undefined ? undefined : { command, argument: json["argument"] };
}

/** @returns undefined for anything but an answer */
export function readControlAnswer(line: string): ControlAnswer | undefined {
  const json = parse(line);
  if (!isJsonObject(json)) return undefined;
  if (json["kind"] === "done") return { kind: "done", value: json["value"] };
  const { code, message } = json;
  if (json["kind"] !== "refused" || typeof code !== "string" || typeof message !== "string") return undefined;
  return { kind: "refused", code, message };
}

export function refusalOf(error: unknown): ControlAnswer {
  if (isCodedError(error)) return { kind: "refused", code: error.code, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "refused", code: "UPGRADE_DEFECT", message: `unexpected: ${message}` };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
