import { describe, expect, it } from "vitest";
import { parseMachineRegistration, type MachineRegistration } from "@rancheros/protocol/resources";
import {
  isExpired,
  reconcileRegistration,
  type Surroundings,
} from "../../../src/registration/reconcile-registration.ts";

const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
const around: Surroundings = {
  serverUrl: "https://here/",
  nowMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  state: { kind: "tokens", tokens: { token: TOKEN, previous: undefined, rotation: 2 } },
  isShared: false,
  isFull: false,
  tokenInStatus: true,
  trustAnchors: null,
  isProvable: true,
};
const metadata = { name: "a", namespace: "n", uid: "u", resourceVersion: "1", generation: 3 };
const fresh: MachineRegistration = { metadata, spec: {} };

/** As the API server applies the merge patch. */
function applied(registration: MachineRegistration, surroundings = around): MachineRegistration {
  const patch = reconcileRegistration(registration, surroundings);
  if (patch === undefined) return registration;
  const entries = Object.entries({ ...registration.status, ...patch }).filter(([, value]) => value !== null);
  return { ...registration, status: Object.fromEntries(entries) };
}

describe("reconcileRegistration", () => {
  it("shows the token, its hash, its Secret, the URL and a condition", () => {
    expect(applied(fresh).status).toEqual({
      registrationToken: TOKEN,
      registrationURL: `https://here/v1-rancheros/registration/${TOKEN}`,
      tokenSecretName: "registration-a",
      tokenHash: "ea1545a5c7d23018",
      tokenRotation: 2,
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

  it.each(["2026-01-01T00:00:00,5Z", "2027-01-01T00:00:00+24:00", "2027-01-01t00:00:00zt"])(
    "lets nobody in by a token that expires at %s, which Kubernetes takes for a time, and says so",
    (expiresAt) => {
      const parsed = parseMachineRegistration({ metadata, spec: { token: { expiresAt } } });
      if (!parsed.ok) throw new Error(parsed.problems.join("; "));
      expect(isExpired(parsed.value, around.nowMs)).toBe(true);
      const [ready] = applied(parsed.value).status?.conditions ?? [];
      expect(ready).toMatchObject({ status: "False", reason: "TokenExpired" });
      expect(ready?.message).toContain("no time");
    },
  );

  it("goes by times in every form of RFC 3339", () => {
    for (const later of ["2026-01-02T05:04:06+02:00", "2026-01-02t03:04:06z", "2026-01-02T03:04:05.678999999Z"]) {
      const token = { expiresAt: later };
      expect(isExpired({ metadata, spec: { token } }, around.nowMs - 1)).toBe(false);
      expect(isExpired({ metadata, spec: { token } }, around.nowMs + 1_000)).toBe(true);
    }
  });

  it("has nothing to write the second time", () => {
    expect(reconcileRegistration(applied(fresh), { ...around, nowMs: around.nowMs + 1e6 })).toBeUndefined();
  });

  it("takes token and URL out of the status where it is told so, and leaves the counters", () => {
    const before = applied(fresh);
    const counted = { ...before, status: { ...before.status, machineCount: 4 } };
    const after = applied(counted, { ...around, tokenInStatus: false });
    expect(JSON.stringify(after)).not.toContain(TOKEN);
    expect(after.status).toMatchObject({ tokenHash: "ea1545a5c7d23018", machineCount: 4 });
    expect(after.status?.conditions?.[0]?.message).toBe("machines can register at the URL of Secret registration-a");
  });

  it("says what is to be said about trust anchors, and no more once there are none", () => {
    const wrong = { status: "False", reason: "Problems", message: "key readme: is nothing" } as const;
    const said = applied(fresh, { ...around, trustAnchors: wrong });
    expect(said.status?.conditions).toMatchObject([{ type: "TrustAnchors", ...wrong }, { type: "Ready" }]);
    expect(reconcileRegistration(said, { ...around, trustAnchors: wrong })).toBeUndefined();
    // Not read this time: what was said stands.
    expect(reconcileRegistration(said, { ...around, trustAnchors: undefined })).toBeUndefined();
    expect(applied(said).status?.conditions).toMatchObject([{ type: "Ready" }]);
  });

  it("is not ready while no machine could prove what it wants, and is once one can", () => {
    const spec = { attestation: { class: "hardware" } };
    const missing = applied({ metadata, spec }, { ...around, isProvable: false });
    expect(missing.status?.conditions).toMatchObject([
      {
        type: "Ready",
        status: "False",
        reason: "TrustAnchorsMissing",
        message:
          "spec.attestation.class is hardware, and no trust anchor could prove that, so nobody registers: put the roots of the machines' TPMs into the operator's ConfigMap, under keys that begin with hardware",
      },
    ]);
    // Not read this time: what was said stands.
    expect(reconcileRegistration(missing, { ...around, isProvable: undefined })).toBeUndefined();
    expect(applied(missing).status?.conditions).toMatchObject([{ type: "Ready", status: "True" }]);
    const known = applied({ metadata, spec });
    expect(reconcileRegistration(known, { ...around, isProvable: undefined })).toBeUndefined();
  });

  it("is not ready while its list of endorsement keys is empty, and is once there is one, or no list", () => {
    const list = (endorsementKeys: string[]) => ({ attestation: { endorsementKeys } });
    const empty = applied({ metadata, spec: list([]) });
    expect(empty.status?.conditions).toMatchObject([
      {
        type: "Ready",
        status: "False",
        reason: "EndorsementKeysEmpty",
        message:
          "spec.attestation.endorsementKeys is an empty list, so nobody registers: add what ros-agent get-tpm-hash prints on the machines, or take the list away to let in all others too",
      },
    ]);
    const mended = applied({ ...empty, spec: list(["ab".repeat(32)]) });
    expect(mended.status?.conditions).toMatchObject([{ status: "True" }]);
    expect(applied({ ...empty, spec: {} }).status?.conditions).toMatchObject([{ status: "True" }]);
  });

  it.each<[MachineRegistration["spec"]["reportInterval"], string]>([
    ["10s", "; spec.reportInterval: 10s is less than the least, 1m, which is used"],
    [0, "; spec.reportInterval: 0 is less than the least, 1m, which is used"],
    ["25h", "; spec.reportInterval: 25h is more than the most, 24h, which is used"],
    ["1m", ""],
    [86_400, ""],
    [undefined, ""],
  ])("says of a report interval of %s what is used instead", (reportInterval, remark) => {
    const spec = reportInterval === undefined ? {} : { reportInterval };
    const said = applied({ metadata, spec }).status?.conditions?.[0];
    expect(said).toMatchObject({
      status: "True",
      message: `machines can register at status.registrationURL${remark}`,
    });
    const closed = applied({ metadata, spec: { ...spec, disabled: true } }).status?.conditions?.[0];
    expect(closed?.message).toBe(`spec.disabled is true: nobody registers${remark}`);
  });

  it("says which templates are wrong, and no more once they are right", () => {
    const spec = { machineName: "m-${System", cloudConfig: { hostname: "node-${System Information/Serial Number" } };
    const said = applied({ metadata, spec });
    expect(said.status?.conditions).toMatchObject([
      {
        type: "Templates",
        status: "False",
        reason: "Problems",
        message:
          "spec.machineName: ${System has no } and is taken as it stands; " +
          "spec.cloudConfig.hostname: ${System Information/Serial Number has no }, so that each machine is called as its MachineInventory",
      },
      { type: "Ready", status: "True" },
    ]);
    expect(reconcileRegistration(said, around)).toBeUndefined();
    const mended = applied({ ...said, spec: { cloudConfig: { hostname: "${System Information/Serial Number}" } } });
    expect(mended.status?.conditions).toMatchObject([{ type: "Ready" }]);
  });

  it("says nothing again that was cut within a character, of which another one is stored", () => {
    const said = applied({ metadata, spec: { machineName: `\${x${"\u{1f4be}".repeat(40)}` } });
    const conditions = said.status?.conditions?.map((one) => ({ ...one, message: one.message?.toWellFormed() ?? "" }));
    expect(JSON.stringify(conditions)).toContain("\ufffd");
    const stored = { ...said, status: { ...said.status, ...(conditions === undefined ? {} : { conditions }) } };
    expect(reconcileRegistration(stored, around)).toBeUndefined();
  });

  it("says no more of wrong templates than a condition takes", () => {
    const labels = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`k${index}`, "${".repeat(500)]));
    const [condition] = applied({ metadata, spec: { machineInventoryLabels: labels } }).status?.conditions ?? [];
    expect(condition?.message).toMatch(/^spec\.machineInventoryLabels\[k0\]: .*\.\.\.$/);
    expect(condition?.message?.length).toBe(2048);
  });

  it("keeps the conditions that it does not know", () => {
    const conditions = [
      { type: "Ready", status: "True", lastUpdateTime: "2026-11-22T20:38:49Z" },
      { type: "Other", status: "False" },
    ];
    const left: MachineRegistration = { metadata, spec: {}, status: { registrationURL: "https://old/x", conditions } };
    const status = reconcileRegistration(left, around);
    expect(status?.registrationURL).toBe(`https://here/v1-rancheros/registration/${TOKEN}`);
    expect(status?.conditions.map((one) => one.type)).toEqual(["Other", "Ready"]);
  });

  it("follows a server URL that changes, with the same transition time", () => {
    const before = applied(fresh);
    const after = applied(before, { ...around, serverUrl: "https://there", nowMs: around.nowMs + 1e6 });
    expect(after.status?.registrationURL).toBe(`https://there/v1-rancheros/registration/${TOKEN}`);
    expect(after.status?.conditions).toEqual(before.status?.conditions);
  });

  it("says what is missing while there is no server URL, and turns when it comes", () => {
    const waiting = applied(fresh, { ...around, serverUrl: undefined });
    expect(waiting.status?.registrationURL).toBeUndefined();
    expect(waiting.status?.conditions?.[0]).toMatchObject({ status: "False", reason: "ServerURLNotSet" });
    const later = applied(waiting, { ...around, nowMs: around.nowMs + 60_000 });
    expect(later.status?.conditions?.[0]).toMatchObject({ status: "True", lastTransitionTime: "2026-01-02T03:05:05Z" });
  });

  const trouble = { reason: "TokenSecretMissing", message: "there is no Secret x" } as const;
  it.each<[string, MachineRegistration["spec"], Partial<Surroundings>]>([
    ["TokenSecretMissing", { disabled: true }, { state: { kind: "trouble", trouble } }],
    ["TokenNotUnique", { disabled: true }, { isShared: true }],
    ["Disabled", { disabled: true, token: { expiresAt: "2020-01-01T00:00:00Z" } }, {}],
    ["TokenExpired", { token: { expiresAt: "2026-01-02T03:04:05Z" } }, { isFull: true }],
    ["Full", { token: { maxMachines: 0 } }, { isFull: true, serverUrl: undefined }],
    ["URLPublished", { token: { expiresAt: "2026-01-02T03:04:06Z" } }, {}],
  ])("says %s", (reason, spec, surroundings) => {
    const made = applied({ metadata, spec }, { ...around, ...surroundings });
    expect(made.status?.conditions?.[0]?.reason).toBe(reason);
  });
});
