import { describe, expect, it } from "vitest";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { reconcileRegistration } from "../../../src/registration/reconcile-registration.ts";

const around = {
  serverUrl: "https://here/",
  nowMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  random: (n: number) => new Uint8Array(n),
};
const metadata = { name: "a", namespace: "n", uid: "u", resourceVersion: "1", generation: 3 };
const fresh: MachineRegistration = { metadata, spec: {} };
const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";

function applied(registration: MachineRegistration, surroundings = around): MachineRegistration {
  const status = reconcileRegistration(registration, surroundings);
  return status === undefined ? registration : { ...registration, status };
}

describe("reconcileRegistration", () => {
  it("makes a token, an URL and a condition", () => {
    expect(reconcileRegistration(fresh, around)).toEqual({
      registrationToken: "b".repeat(54),
      registrationURL: `https://here/v1-rancheros/registration/${"b".repeat(54)}`,
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "URLPublished",
          message: "machines can register at status.registrationURL",
          lastTransitionTime: "2026-01-02T03:04:05Z",
          observedGeneration: 3,
        },
      ],
    });
  });

  it("has nothing to write the second time", () => {
    expect(reconcileRegistration(applied(fresh), { ...around, nowMs: around.nowMs + 1e6 })).toBeUndefined();
  });

  it("keeps a token that the original made, and the conditions that it does not know", () => {
    const left: MachineRegistration = {
      metadata,
      spec: {},
      status: {
        registrationToken: TOKEN,
        registrationURL: "https://old/x",
        conditions: [
          { type: "Ready", status: "True", lastUpdateTime: "2026-11-22T20:38:49Z" },
          { type: "Other", status: "False" },
        ],
      },
    };
    const status = reconcileRegistration(left, around);
    expect(status?.registrationToken).toBe(TOKEN);
    expect(status?.registrationURL).toBe(`https://here/v1-rancheros/registration/${TOKEN}`);
    expect(status?.conditions?.map((one) => one.type)).toEqual(["Other", "Ready"]);
  });

  it("follows a server URL that changes, with the same token and the same transition time", () => {
    const before = applied(fresh);
    const after = applied(before, { ...around, serverUrl: "https://there", nowMs: around.nowMs + 1e6 });
    expect(after.status?.registrationToken).toBe(before.status?.registrationToken);
    expect(after.status?.registrationURL).toBe(`https://there/v1-rancheros/registration/${"b".repeat(54)}`);
    expect(after.status?.conditions).toEqual(before.status?.conditions);
  });

  it("says what is missing while there is no server URL, and turns when it comes", () => {
    const waiting = applied(fresh, { ...around, serverUrl: undefined as unknown as string });
    expect(waiting.status?.registrationURL).toBeUndefined();
    expect(waiting.status?.conditions?.[0]).toMatchObject({ status: "False", reason: "ServerURLNotSet" });
    const later = applied(waiting, { ...around, nowMs: around.nowMs + 60_000 });
    expect(later.status?.conditions?.[0]).toMatchObject({ status: "True", lastTransitionTime: "2026-01-02T03:05:05Z" });
  });
});
