/** What each check of services, node, registration and agent makes of what it was shown, one row a situation. */
import { describe, expect, it } from "vitest";

import { judgeAgent } from "../../../src/doctor/agent-checks.ts";
import { judgeNode } from "../../../src/doctor/judge-node.ts";
import { judgeRegistration, type RegistrationFacts } from "../../../src/doctor/judge-registration.ts";
import { judgeServices, parseUnits, type Unit } from "../../../src/doctor/judge-services.ts";
import { judgeWatchdog } from "../../../src/doctor/judge-watchdog.ts";
import { readAllowed } from "../../../src/doctor/node-rights.ts";
import { agentWord, EMPTY_JOURNAL, readAgentWord, type AgentState, type Reason } from "../../../src/upgrade/index.ts";
import { told } from "./told.ts";

describe("the watchdog", () => {
  const device = { name: "watchdog0", identity: "iTCO_wdt" };
  it.each([
    [{ devices: [device], fedSeconds: 60 }, true, /^ok: iTCO_wdt, fed .* 60 s/],
    [{ devices: [device], fedSeconds: 0 }, true, /^warn DOCTOR_WATCHDOG_UNFED/],
    [{ devices: [device], fedSeconds: 0 }, false, /^ok/],
    [{ devices: [], fedSeconds: 60 }, true, /^warn DOCTOR_WATCHDOG_MISSING/],
    [{ devices: [], fedSeconds: undefined }, false, /^ok/],
    [{ devices: [device], fedSeconds: undefined }, true, /^ok: .*cannot be asked/],
  ])("%j with slots %s is told as %s", (facts, hasSlots, expected) => {
    expect(told(() => judgeWatchdog(facts, hasSlots))).toMatch(expected);
  });
});

describe("services", () => {
  const agent: Unit = {
    name: "ros-agent.service",
    loadState: "loaded",
    activeState: "active",
    subState: "running",
    result: "success",
    restarts: 0,
    activeForMs: 3_600_000,
    fileState: "enabled",
  };
  const k3s: Unit = { ...agent, name: "k3s.service" };
  const absent: Unit = { ...agent, name: "rancherd.service", loadState: "not-found", activeState: "inactive" };
  it.each<[Unit[], RegExp]>([
    [[agent, k3s, absent], /^ok: ros-agent active, k3s active$/],
    [[absent], /^skipped: no service of the agent/],
    [[{ ...agent, activeState: "inactive", subState: "dead" }], /^warn DOCTOR_SERVICE_STOPPED/],
    [[{ ...agent, activeState: "inactive", fileState: "disabled" }], /^ok/],
    [
      [agent, { ...k3s, activeState: "failed", result: "exit-code" }],
      /^fail DOCTOR_SERVICE_FAILED: k3s.service has failed \(exit-code\)$/,
    ],
    [
      [{ ...agent, activeState: "activating", subState: "auto-restart", restarts: 9, result: "exit-code" }],
      /^fail .*started again 9 times/,
    ],
    [[{ ...agent, activeState: "activating", subState: "auto-restart", restarts: 1 }], /^ok/],
    [
      [agent, { ...k3s, activeState: "activating", subState: "start", restarts: 400, activeForMs: undefined }],
      /^fail DOCTOR_SERVICE_FAILED: k3s.service was started again 400 times and ends each time \(success, start\)$/,
    ],
    [[agent, { ...k3s, activeState: "activating", subState: "start", restarts: 1, activeForMs: undefined }], /^ok/],
    [
      [agent, { ...k3s, restarts: 400, activeForMs: 7_000 }],
      /^warn DOCTOR_SERVICE_FAILED: k3s.service was started again 400 times, the last time 7 s ago$/,
    ],
    // It has ended often, and that is over.
    [[agent, { ...k3s, restarts: 400, activeForMs: 3_600_000 }], /^ok/],
    [[agent, { ...k3s, restarts: 400, activeForMs: undefined }], /^ok/],
    [[agent, { ...k3s, restarts: 1, activeForMs: 7_000 }], /^ok/],
    [
      [
        { ...agent, activeState: "inactive" },
        { ...k3s, restarts: 400, activeForMs: 7_000 },
      ],
      /^warn DOCTOR_SERVICE_FAILED/,
    ],
    [[{ ...agent, loadState: "bad-setting" }], /^fail .*cannot be loaded/],
  ])("%# are told as %s", (units, expected) => {
    expect(told(() => judgeServices(units))).toMatch(expected);
  });

  it("are read as systemctl prints them, and nothing that is odd gets to a terminal", () => {
    const text =
      "Id=ros-agent.service\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nNRestarts=2\nUnitFileState=enabled\nActiveEnterTimestampMonotonic=100000000\n\nId=x.service\nNRestarts=\u001b[31mmany\nLoadState=not-found\n";
    expect(parseUnits(text, 3_700_000)).toEqual([
      { ...agent, restarts: 2, activeForMs: 3_600_000 },
      {
        name: "x.service",
        loadState: "not-found",
        activeState: "",
        subState: "",
        result: "",
        restarts: 0,
        activeForMs: undefined,
        fileState: "",
      },
    ]);
    expect(parseUnits("", 0)).toEqual([]);
    expect(parseUnits("nonsense\n\n=\n", 0)).toEqual([]);
    for (const entered of ["", "0", "-7", "soon", "9000000000"]) {
      const unit = `Id=x.service\nActiveState=active\nActiveEnterTimestampMonotonic=${entered}\n`;
      expect(parseUnits(unit, 3_700_000)).toMatchObject([{ activeForMs: undefined }]);
    }
    const starting = "Id=x.service\nActiveState=activating\nActiveEnterTimestampMonotonic=100000000\n";
    expect(parseUnits(starting, 3_700_000)).toMatchObject([{ activeForMs: undefined }]);
  });
});

describe("the own node", () => {
  const node = (ready: string, spec: object = {}, more: readonly object[] = []): object => ({
    metadata: { name: "n1" },
    spec,
    status: {
      conditions: [{ type: "Ready", status: ready, message: "because" }, ...more],
      nodeInfo: { kubeletVersion: "v1.37.2" },
    },
  });
  it.each([
    [node("True"), /^ok: n1 is Ready, kubelet v1.37.2$/],
    [node("False"), /^fail DOCTOR_NODE_NOT_READY: the node n1 is not Ready: because$/],
    [node("Unknown"), /^fail DOCTOR_NODE_NOT_READY/],
    [node("True", { unschedulable: true }), /^warn DOCTOR_NODE_CORDONED/],
    [node("True", {}, [{ type: "DiskPressure", status: "True", message: "full" }]), /^warn .*DiskPressure \(full\)/],
    [{ metadata: { name: "n1" } }, /^fail DOCTOR_NODE_NOT_READY: .*not said so yet/],
    [{}, /^fail NODE_API_NONSENSE/],
    [null, /^fail NODE_API_NONSENSE/],
    [{ metadata: { name: "n1" }, status: { conditions: "none" } }, /^fail DOCTOR_NODE_NOT_READY/],
  ])("%j is told as %s", (object, expected) => {
    expect(told(() => judgeNode(object))).toMatch(expected);
  });

  it.each([{}, null, [], { status: {} }, { status: { allowed: "yes" } }])("%j is no access review", (answer) => {
    expect(() => readAllowed(answer)).toThrow(expect.objectContaining({ code: "NODE_API_NONSENSE" }));
  });
});

describe("the registration", () => {
  const NOW = Date.UTC(2026, 5, 1);
  const known = {
    kind: "known",
    from: "/oem/99_custom.yaml",
    options: {
      url: "https://r.test/v1-rancheros/registration/abc",
      allowHttp: false,
      trust: { kind: "system" },
      environment: {},
    },
  } as const;
  const nothing: RegistrationFacts = {
    target: known,
    operator: undefined,
    saved: undefined,
    hasRegisterUnit: true,
    nowMs: NOW,
  };
  const reached = { reached: new Date(NOW - 5_000).toISOString(), trouble: undefined, waiting: undefined };
  it.each<[Partial<RegistrationFacts>, RegExp]>([
    [{ operator: reached }, /^ok: the operator answered the agent 5 s ago$/],
    [{ operator: { ...reached, trouble: "nobody\nthere" } }, /^warn DOCTOR_OPERATOR_TROUBLE: .*5 s ago: nobody there$/],
    [{ operator: { reached: undefined, trouble: "x", waiting: undefined } }, /^warn .*not answered yet/],
    [{ saved: { path: "/var/lib/x", savedMs: NOW } }, /^ok: registered on 2026-06-01/],
    [{}, /^warn DOCTOR_UNREGISTERED: .*r.test yet$/],
    [{ hasRegisterUnit: false }, /^skipped/],
    [{ target: { kind: "none", because: "x" } }, /^skipped/],
  ])("with %j is told as %s", (change, expected) => {
    expect(told(() => judgeRegistration({ ...nothing, ...change }))).toMatch(expected);
  });
});

describe("the agent", () => {
  const idle: AgentState = {
    agentPid: 7,
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
    bootId: "b",
    operator: undefined,
    history: [],
    failedDigests: [],
  };
  const reason = { code: "DRAIN_TIMED_OUT", message: "a pod stays" };
  const broken = { code: "UPGRADE_JOURNAL_BROKEN", message: "no JSON; it is kept as /x" };
  it.each<[Partial<AgentState>, RegExp]>([
    [{}, /^ok: runs, process 7, Idle$/],
    [{ agentPid: undefined }, /^ok: does not run; its journal says Idle$/],
    [
      { phase: "Draining", isUnderWay: true, reason },
      /^warn DRAIN_TIMED_OUT: the upgrade is in Draining: a pod stays$/,
    ],
    [{ phase: "Draining", isUnderWay: true, reason: { code: "NEWER_CODE", message: "x" } }, /^warn UPGRADE_DEFECT/],
    [
      { phase: "Staging", isUnderWay: true, reason: { code: "SIGNATURE_MISSING", message: "not signed" } },
      /^warn SIGNATURE_MISSING: the upgrade is in Staging: not signed$/,
    ],
    [{ phase: "Failed", reason }, /^ok/],
    [{ trouble: broken, reason: broken }, /^warn UPGRADE_JOURNAL_BROKEN: no JSON; it is kept as \/x$/],
    [{ phase: "Succeeded", trouble: broken }, /^warn UPGRADE_JOURNAL_BROKEN/],
    [
      { phase: "Draining", isUnderWay: true, trouble: broken, reason: broken },
      /^warn UPGRADE_JOURNAL_BROKEN: the upgrade is in Draining: no JSON/,
    ],
    [{ phase: "Staging", isUnderWay: true, message: "pulling" }, /^ok: .*Staging: pulling$/],
  ])("with %j is told as %s", (change, expected) => {
    expect(told(() => judgeAgent({ ...idle, ...change }))).toMatch(expected);
  });

  it("that runs is told with what it says of now, and not with how an upgrade ended", () => {
    const rest = { agentPid: 7, bootId: "b", node: undefined, nodeTrouble: undefined, operator: undefined };
    const word = (trouble: Reason | undefined): AgentState =>
      readAgentWord(JSON.parse(JSON.stringify(agentWord(EMPTY_JOURNAL, { ...rest, trouble }))));
    expect(told(() => judgeAgent(word(broken)))).toMatch(/^warn UPGRADE_JOURNAL_BROKEN: no JSON/);
    expect(word(broken)).toMatchObject({ trouble: broken, reason: broken });
    expect(told(() => judgeAgent(word(undefined)))).toMatch(/^ok: runs, process 7, Idle$/);
  });
});
