import { describe, expect, it } from "vitest";

import type { AgentState } from "@rancheros/agent/upgrade";
import { describeState } from "../../src/describe-state.ts";

const IDLE: AgentState = {
  agentPid: 1,
  phase: "Idle",
  since: undefined,
  message: undefined,
  reason: undefined,
  trouble: undefined,
  endsAs: undefined,
  upgrade: undefined,
  isUnderWay: false,
  cordon: "none",
  node: undefined,
  nodeTrouble: undefined,
  bootId: "boot-1",
  operator: undefined,
  history: [],
  failedDigests: [],
};

function nodeLine(state: Partial<AgentState>): string {
  const lines = describeState({ ...IDLE, ...state }, 0).split("\n");
  return lines.find((line) => line.startsWith("Node")) ?? "";
}

describe("the line about the node", () => {
  it("tells a machine that is no node from one that cannot ask, and why it cannot", () => {
    expect(nodeLine({})).toBe("Node       this machine is none");
    const nodeTrouble = { code: "NODE_API_UNREACHABLE", message: "https://127.0.0.1:6443 refuses\nconnections" };
    expect(nodeLine({ nodeTrouble })).toBe(
      "Node       cannot be asked: https://127.0.0.1:6443 refuses | connections (NODE_API_UNREACHABLE)",
    );
    expect(nodeLine({ nodeTrouble, cordon: "ours" })).toMatch(/, the agent has cordoned it, or was about to$/);
  });

  it("says whose a cordon is", () => {
    const node = { name: "n1", ready: true, unschedulable: true };
    expect(nodeLine({ node })).toBe("Node       n1, Ready, cordoned by somebody else");
    expect(nodeLine({ node, cordon: "ours" })).toBe("Node       n1, Ready, cordoned by the agent");
    expect(nodeLine({ node: { ...node, unschedulable: false } })).toBe("Node       n1, Ready");
  });
});
