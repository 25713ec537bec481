/** Machines whose requests go to two real operators of one cluster, the clock of one of which is wrong. */
import { X509Certificate } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import type { Admission } from "@rancheros/protocol/attestation";
import {
  askMachine,
  report,
  visitAttested,
  type AttestedVisit,
  type NextServer,
} from "../../machine/attested-visit.ts";
import { beginningAgain } from "../../operator/beginning-again.ts";
import { eventually, getObject, patchStatus } from "../../operator/objects.ts";
import { complaints } from "../../operator/read-log.ts";
import { readSamples } from "../../operator/read-samples.ts";
import { REPORT, useTwoReplicas, type TwoReplicas } from "./two-replicas.ts";

const controlPlane = inject("controlPlane");
const MINUTE_MS = 60_000;
const WRONG = "this replica's clock is wrong: it goes by the API server's";

/** Nonce, attestation, answer: no two of a visit's requests go to one replica. */
async function visitBoth([one, other]: readonly [NextServer, NextServer], visit: AttestedVisit): Promise<Admission> {
  return beginningAgain(() => {
    let turn = 0;
    return visitAttested({ ...visit, next: () => (turn++ % 2 === 0 ? one() : other()) });
  });
}

/** Whichever of them is asked first, and whichever has seen the machine before. */
async function expectOneOperator(replicas: TwoReplicas, door: string): Promise<void> {
  const { used, newTpm, first, second, through, untilSeen } = replicas;
  const { token } = await used.makeDoor(door);
  for (const order of [[first, second] as const, [second, first] as const]) {
    const visit = through(newTpm(), token, { report: REPORT });
    const { session, machine } = await visitBoth(order, visit);
    await untilSeen();
    for (const replica of order) {
      expect(await askMachine(replica, session.token)).toMatchObject({ machine });
      expect(await report(replica, session.token, { ...REPORT, agentVersion: "0.2.0" })).toMatchObject({ machine });
    }
    const [one, other] = order;
    const again = await visitBoth([other, one], { ...visit, purpose: { kind: "session" } });
    expect(again.machine).toEqual(machine);
    for (const replica of order) await askMachine(replica, again.session.token);
    expect((await visitBoth(order, visit)).machine).toEqual(machine);
  }
}

async function skewSeconds(healthUrl: string): Promise<number | undefined> {
  return (await readSamples(healthUrl)).find(({ name }) => name === "rancheros_clock_skew_seconds")?.value;
}

describe.each([
  ["minutes ahead", 4 * MINUTE_MS],
  ["minutes behind", -7 * MINUTE_MS],
  ["half a minute ahead", MINUTE_MS / 2],
])("a replica whose clock is %s", (_how, aheadMs) => {
  const replicas = useTwoReplicas(controlPlane, "wrong-clock", { aheadMs: [aheadMs, 0] });
  const { used } = replicas;

  it("is for machines one operator with the other replica", async () => {
    await expectOneOperator(replicas, "door");
  });

  it("has made certificates that are good by the API server's clock", async () => {
    const secret = await getObject(controlPlane, "secret", used.namespace, "rancheros-operator-tls");
    const { data } = secret as unknown as { readonly data: Readonly<Record<string, string>> };
    for (const file of ["ca.crt", "tls.crt"]) {
      const { validFromDate } = new X509Certificate(Buffer.from(data[file] ?? "", "base64"));
      const ageMs = Date.now() - validFromDate.getTime();
      expect(Math.abs(ageMs - 24 * 60 * MINUTE_MS), file).toBeLessThan(MINUTE_MS);
    }
  });

  it("tells machines the right time", async () => {
    for (const { httpUrl } of used.replicas) {
      const { headers } = await fetch(`${httpUrl}/v1-rancheros/cacerts`);
      expect(Math.abs(Date.parse(headers.get("date") ?? "") - Date.now()), httpUrl).toBeLessThan(5_000);
    }
  });

  it("says so once, and the other one does not", async () => {
    const [wrong, right] = used.replicas;
    if (wrong === undefined || right === undefined) throw new Error("two replicas");
    expect(await skewSeconds(wrong.healthUrl)).toBeCloseTo(-aheadMs / 1_000, -1);
    expect(await skewSeconds(right.healthUrl)).toBeCloseTo(0, -1);
    expect(complaints(wrong.log()).filter(({ message }) => message === WRONG)).toHaveLength(1);
    expect(right.log()).not.toContain(WRONG);
  });
});

describe("a replica whose clock jumps while it runs", () => {
  const replicas = useTwoReplicas(controlPlane, "clock-jumps", { aheadMs: [0, 0] });

  it("is for machines one operator with the other one before, at once afterwards, and when it is put right", async () => {
    const [, jumping] = replicas.used.replicas;
    if (jumping === undefined) throw new Error("two replicas");
    const jump = (aheadMs: number): void =>
      jumping.changeClock({ realMs: Date.now(), scaledMs: Date.now() + aheadMs, factor: 1 });
    await expectOneOperator(replicas, "before");
    jump(5 * MINUTE_MS);
    await expectOneOperator(replicas, "after");
    const shown = async (): Promise<true | undefined> =>
      ((await skewSeconds(jumping.healthUrl)) ?? 0) < -290 ? true : undefined;
    await eventually(shown, "the replica shows that its clock is wrong");
    jump(0);
    await expectOneOperator(replicas, "right-again");
  });

  it("lets in again whom a replica of a wrong clock has seen in days to come, and says when that was", async () => {
    const { used, newTpm, through, untilSeen, inventoryOf } = replicas;
    const { token } = await used.makeDoor("days-to-come");
    const tpm = newTpm();
    const { machine } = await visitAttested(through(tpm, token, { report: REPORT }));
    const laterMs = Date.now() + 3 * 24 * 60 * MINUTE_MS;
    await patchStatus(controlPlane, "machineinventory", used.namespace, machine.name, {
      lastSeen: new Date(laterMs).toISOString(),
      attestation: { challenge: `${laterMs}.${"0123456789abcdef".repeat(2)}` },
    });
    await untilSeen();
    const again = await visitAttested(through(tpm, token, { purpose: { kind: "session" } }));
    expect(again.machine).toEqual(machine);
    const status = (await inventoryOf(tpm))?.status;
    expect(Math.abs(Date.parse(String(status?.["lastSeen"])) - Date.now())).toBeLessThan(MINUTE_MS);
  });
});

describe("replicas whose clocks differ by less than is put right", () => {
  const replicas = useTwoReplicas(controlPlane, "near-clock", { aheadMs: [2_500, 0] });

  it("take a machine that comes to the one behind right after the other", async () => {
    const { used, newTpm, through, untilSeen, first, second } = replicas;
    const { token } = await used.makeDoor("near");
    const visit = through(newTpm(), token, { report: REPORT });
    const { machine } = await visitAttested({ ...visit, next: first });
    await untilSeen();
    expect((await visitAttested({ ...visit, next: second })).machine).toEqual(machine);
  });
});
