/** The node as far as it can be asked now: that it cannot is told with the reason. */
import { isCodedError } from "@rancheros/protocol/errors";
import type { MachineNode } from "@rancheros/protocol/attestation";

import { reasonFrom } from "./journal-edits.ts";
import type { Reason } from "./journal.ts";
import type { NodePort } from "./ports.ts";

export interface NodeLook {
  /** Undefined where the machine is none, or cannot ask. */
  readonly node: MachineNode | undefined;
  /** Why it cannot ask. */
  readonly trouble: Reason | undefined;
}

/** Never throws. */
export async function lookAtNode(
  port: Pick<NodePort, "look">,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<NodeLook> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    return { node: await port.look(AbortSignal.any([signal, limit])), trouble: undefined };
  } catch (error) {
    if (limit.aborted) {
      const message = `the API server has not answered within ${timeoutMs / 1000} s`;
      return { node: undefined, trouble: reasonFrom({ code: "NODE_API_TIMEOUT", message }) };
    }
    const message = error instanceof Error ? error.message : String(error);
    return {
      node: undefined,
      trouble: reasonFrom({ code: isCodedError(error) ? error.code : "UPGRADE_DEFECT", message }),
    };
  }
}
