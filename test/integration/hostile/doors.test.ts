/** Closed, full and demanding doors, tried over the network in both protocols. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { kubectlApply } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { LINES } from "../../hostile/attack.ts";
import {
  ANCHORS,
  DOOR_ATTACKS,
  DOORS,
  endorsedTpm,
  through,
  type Door,
  type DoorScene,
} from "../../hostile/door-attacks.ts";
import { reasonsSince, storedState } from "../../hostile/watcher.ts";
import { channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { eventually, listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createAuthority, createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "doors");
const folder = mkdtempSync(path.join(tmpdir(), "doors-"));
let operator: OperatorProcess;
let scene: DoorScene;

async function tokenOf(door: Door): Promise<string> {
  return (await makeRegistration(target, namespace, door, DOORS[door])).token;
}

/** What honest visits still have to write comes late; it is not the attack's. */
async function untilStill(): Promise<void> {
  await eventually(async () => {
    const before = await storedState(target, namespace);
    await sleep(500);
    const after = await storedState(target, namespace);
    return before.join("\n") === after.join("\n") ? true : undefined;
  }, "nothing is written any more");
}

beforeAll(async () => {
  const kubeconfigPath = target.kubeconfigPath;
  const hypervisor = createAuthority("Example hypervisor");
  await kubectlApply(target, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: ANCHORS, namespace },
    data: { "virtual.pem": hypervisor.pem },
  });
  operator = await startOperator({ folder, kubeconfigPath, namespace, watchNamespace: namespace });
  const tokens = {
    disabled: await tokenOf("disabled"),
    expired: await tokenOf("expired"),
    single: await tokenOf("single"),
    listed: await tokenOf("listed"),
    virtual: await tokenOf("virtual"),
    hardware: await tokenOf("hardware"),
    modern: await tokenOf("modern"),
  };
  const ak = generateAttestationKey("rsa");
  const known = endorsedTpm({ ak }, hypervisor);
  scene = { origin: operator.httpUrl, ak, channel: await channelAt(operator.httpsUrl), tokens, hypervisor, known };
  expect((await visitAttested(through(scene, "virtual", known))).trust).toBe("virtual");
  // The one machine that the door takes.
  await visitAttested(through(scene, "single", createSoftwareTpm({ ak })));
  await untilStill();
});

afterAll(async () => {
  await operator.stop();
  rmSync(folder, { recursive: true, force: true });
});

const sorted = DOOR_ATTACKS.map((attack) => ({ ...attack, because: LINES[attack.line] }));

describe("a door that does not open", () => {
  it.each(sorted)("$what: $reason ($because)", async ({ run, reason, told }) => {
    const [before, stored] = [operator.log(), await storedState(target, namespace)];
    const answer = await run(scene);
    expect(answer).toMatchObject({ via: told.via, code: told.code, text: expect.stringMatching(told.text) as string });
    expect(await reasonsSince(operator, before)).toEqual([reason]);
    expect(await storedState(target, namespace)).toEqual(stored);
    expect(await listInventories(target, namespace)).toHaveLength(2);
  });

  it("opens to whom it should, after all that: the known machine with its certificate", async () => {
    expect((await visitAttested(through(scene, "virtual", scene.known))).trust).toBe("virtual");
    expect(await listInventories(target, namespace)).toHaveLength(2);
  });
});
