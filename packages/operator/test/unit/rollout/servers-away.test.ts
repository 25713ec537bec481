/** Servers that are away without a slot that says so: the quorum counts them all the same. */
import type { ManagedOSImage, ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { decide } from "../../../src/rollout/decide.ts";
import type { MachineUpgrade, RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { Failure } from "../../../src/rollout/slot.ts";
import { viewOf } from "../../../src/rollout/view-of.ts";
import { digestPinned } from "./digest-pinned.ts";

const NAMESPACE = "fleet-local";
const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
const HOUR_MS = 3_600_000;

interface Said {
  readonly upgrade?: Partial<MachineUpgrade>;
  readonly lastSeenMs?: number;
}

function machine(name: string, role: string, { upgrade, lastSeenMs = NOW_MS }: Said = {}): RolloutMachine {
  const word = { image: "before", plan: "ab".repeat(32), attempt: 1, phase: "Rebooting", heardMs: NOW_MS } as const;
  const rest = { sinceMs: undefined, reason: undefined, message: undefined };
  return {
    metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, resourceVersion: "1" },
    approval: "Approved",
    beingDeleted: false,
    rollout: {
      clusterName: undefined,
      role,
      labels: {},
      nodeName: name,
      lastSeenMs,
      retry: undefined,
      upgrade: upgrade === undefined ? undefined : { ...word, ...rest, ...upgrade },
    },
  };
}

function decisionFor(
  asking: string,
  machines: readonly RolloutMachine[],
  failures: readonly Failure[],
  more: Partial<ManagedOSImageSpec> = {},
) {
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  const object: ManagedOSImage = {
    metadata: { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: "1", generation: 1 },
    spec: { osImage: "r.example.com/os:v2", concurrency: 5, failureBudget: 5, ...more },
  };
  const pinned = digestPinned(object, index);
  index.putImage({ ...pinned, status: { ...pinned.status, attempts: 9, failures: [...failures] } });
  for (const one of machines) index.putMachine(one);
  const image = index.image(`${NAMESPACE}/os`);
  const state = index.machine(`uid-${asking}`);
  if (image === undefined || state === undefined) throw new Error("the scene is wrong");
  return decide(viewOf(index, image, NOW_MS, true), [{ machine: state.machine, cluster: "local" }], NOW_MS);
}

/** @returns why the machine gets no slot; undefined where it gets one */
function refusalOf(asking: string, machines: readonly RolloutMachine[], failures: readonly Failure[] = []) {
  return decisionFor(asking, machines, failures).refused.get(`uid-${asking}`)?.reason;
}

const others = [machine("m1", "server"), machine("m2", "server"), machine("a", "agent")];

describe("a server of three that is away", () => {
  it("keeps the others, and no agent, where the image that let it go was deleted meanwhile", () => {
    const away = machine("m0", "server", { upgrade: {} });
    expect(refusalOf("m1", [away, ...others])).toBe("ServersFirst");
    expect(refusalOf("a", [away, ...others])).toBeUndefined();
  });

  it("keeps the others whatever agents say that they are", () => {
    const away = machine("m0", "server", { upgrade: {} });
    const labels = { "node-role.kubernetes.io/control-plane": "true" };
    const liar = (name: string, role: string | undefined): RolloutMachine => {
      const honest = machine(name, "agent");
      return { ...honest, rollout: { ...honest.rollout, role, labels } };
    };
    expect(refusalOf("m1", [away, ...others, liar("x", "agent"), liar("y", "agent")])).toBe("ServersFirst");
    // Of whom nobody has said what they are, their nodes' labels are believed.
    expect(refusalOf("m1", [away, ...others, liar("x", undefined), liar("y", undefined)])).toBeUndefined();
    const off = liar("x", "agent");
    const lastSeenMs = NOW_MS - 3 * HOUR_MS;
    expect(refusalOf("m1", [...others, { ...off, rollout: { ...off.rollout, lastSeenMs } }])).toBe("ServersFirst");
  });

  it("keeps the others where somebody upgrades it by hand", () => {
    const away = machine("m0", "server", { upgrade: { image: undefined, plan: undefined, attempt: 0 } });
    expect(refusalOf("m1", [away, ...others])).toBe("ServersFirst");
  });

  it("keeps the others where it has not come back, whatever failureBudget lets fail", () => {
    const atMs = NOW_MS - 3 * HOUR_MS;
    const away = machine("m0", "server", { upgrade: { image: "os", attempt: 9, heardMs: atMs }, lastSeenMs: atMs });
    const failure = { machine: "m0", uid: "uid-m0", attempt: 9, time: new Date(NOW_MS - HOUR_MS).toISOString() };
    const failures = [{ ...failure, reason: "ROLLOUT_NODE_TIMEOUT" }];
    expect(refusalOf("m1", [away, ...others], failures)).toBe("ServersFirst");
    const { message, state } = decisionFor("m1", [away, ...others], failures).status;
    expect([state, message]).toEqual(["Progressing", expect.stringContaining("has not come back: m0;")]);
  });

  it("keeps the others as long as it may be silent without a slot, where nodeTimeout is shorter than that", () => {
    const upgrade = { image: undefined, plan: undefined, attempt: 0, heardMs: NOW_MS - 19 * 60_000 };
    const away = machine("m0", "server", { upgrade, lastSeenMs: NOW_MS - 60_000 });
    const { refused, granted, status } = decisionFor("m1", [away, ...others], [], { nodeTimeout: "10m" });
    expect(refused.get("uid-m1")?.reason).toBe("ServersFirst");
    expect(granted).toEqual([]);
    expect(status.message).not.toContain("has not come back");
  });

  it("keeps nobody once it speaks again, or has said how it ended", () => {
    const upgrade = { image: "os", heardMs: NOW_MS - 3 * HOUR_MS };
    expect(refusalOf("m1", [machine("m0", "server", { upgrade }), ...others])).toBeUndefined();
    const ended = machine("m0", "server", { upgrade: { phase: "Failed" } });
    expect(refusalOf("m1", [ended, ...others])).toBeUndefined();
  });

  it("does not keep itself from another try", () => {
    const away = machine("m0", "server", { upgrade: { heardMs: NOW_MS - 3 * HOUR_MS }, lastSeenMs: 0 });
    expect(refusalOf("m0", [away, ...others])).toBeUndefined();
  });
});

describe("a server of three that is off, without any upgrade", () => {
  const seen = (minutesAgo: number) => machine("m0", "server", { lastSeenMs: NOW_MS - minutesAgo * 60_000 });

  it("keeps the others, and no agent, as their going would leave one of three, and is named", () => {
    const off = seen(5 * 60);
    expect(refusalOf("m1", [off, ...others])).toBe("ServersFirst");
    expect(refusalOf("a", [off, ...others])).toBeUndefined();
    const { message, state } = decisionFor("m1", [off, ...others], []).status;
    expect([state, message]).toEqual(["Progressing", expect.stringContaining("has not come back: m0;")]);
  });

  it("keeps nobody where it was seen as lately as one that is well, nor where five can bear it", () => {
    expect(refusalOf("m1", [seen(30), ...others])).toBeUndefined();
    const five = [machine("m3", "server"), machine("m4", "server")];
    expect(refusalOf("m1", [seen(5 * 60), ...others, ...five])).toBeUndefined();
  });

  it("keeps the others where it was seen in a time to come, by a clock that was wrong, and not itself", () => {
    expect(refusalOf("m1", [seen(-24 * 60), ...others])).toBe("ServersFirst");
    expect(refusalOf("m0", [seen(-24 * 60), ...others])).toBeUndefined();
    expect(refusalOf("m0", [seen(5 * 60), ...others])).toBeUndefined();
  });

  it("keeps nobody where nothing says when it was seen: it may run no agent", () => {
    const { rollout, ...rest } = machine("m0", "server");
    const unseen = { ...rest, rollout: { ...rollout, lastSeenMs: undefined } };
    expect(refusalOf("m1", [unseen, ...others])).toBeUndefined();
  });

  it("keeps nobody where it never was a node, as one that stands in a rack until it is needed", () => {
    const { rollout, ...rest } = seen(5 * 60);
    expect(refusalOf("m1", [{ ...rest, rollout: { ...rollout, nodeName: undefined } }, ...others])).toBeUndefined();
  });
});

describe("servers that are no members of the cluster yet, or not any more", () => {
  const away = machine("m0", "server", { upgrade: {} });

  it.each(["Pending", "Denied"] as const)("leave no more of the members away: %s ones", (approval) => {
    const strangers = ["x0", "x1"].map((name) => ({ ...machine(name, "server"), approval }));
    expect(refusalOf("m1", [away, ...others, ...strangers])).toBe("ServersFirst");
    const members = strangers.map((one) => ({ ...one, approval: "Approved" as const }));
    expect(refusalOf("m1", [away, ...others, ...members])).toBeUndefined();
  });

  it("leave no more of the members away where they are being deleted", () => {
    const going = ["x0", "x1"].map((name) => ({ ...machine(name, "server"), beingDeleted: true }));
    expect(refusalOf("m1", [away, ...others, ...going])).toBe("ServersFirst");
  });

  it("count as away where they are under way all the same", () => {
    const denied = { ...away, approval: "Denied" as const };
    expect(refusalOf("m1", [denied, ...others, machine("m3", "server")])).toBe("ServersFirst");
  });
});

describe("a machine that was denied", () => {
  it("is no machine of the image any more", () => {
    const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
    const metadata = { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: "1", generation: 1 };
    index.putImage(digestPinned({ metadata, spec: { osImage: "r.example.com/os:v2" } }, index));
    for (const one of others) index.putMachine(one);
    expect(index.image(`${NAMESPACE}/os`)?.counts.total).toBe(3);
    const denied = machine("a", "agent");
    index.putMachine({ ...denied, approval: "Denied", metadata: { ...denied.metadata, resourceVersion: "2" } });
    expect(index.image(`${NAMESPACE}/os`)?.counts.total).toBe(2);
  });
});
