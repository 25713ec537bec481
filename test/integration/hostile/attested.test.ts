/** Every line of what a server must refuse, tried over the network in the attestation protocol. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { useNamespace } from "../../control-plane/namespace.ts";
import { LINES } from "../../hostile/attack.ts";
import { ATTESTED_ATTACKS, type AttestedScene } from "../../hostile/attested-attacks.ts";
import { reasonsSince, storedState } from "../../hostile/watcher.ts";
import { channelAt } from "../../machine/attested-visit.ts";
import { listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "attested");
const folder = mkdtempSync(path.join(tmpdir(), "attested-"));
let operator: OperatorProcess;
let scene: AttestedScene;

beforeAll(async () => {
  const kubeconfigPath = target.kubeconfigPath;
  operator = await startOperator({ folder, kubeconfigPath, namespace, watchNamespace: namespace });
  const { token } = await makeRegistration(target, namespace, "door");
  const channel = await channelAt(operator.httpsUrl);
  const ak = generateAttestationKey("rsa");
  scene = { url: "", origin: operator.httpUrl, ak, channel, token };
});

afterAll(async () => {
  await operator.stop();
  rmSync(folder, { recursive: true, force: true });
});

const sorted = ATTESTED_ATTACKS.map((attack) => ({ ...attack, because: LINES[attack.line] }));

describe("one field wrong", () => {
  it.each(sorted)("$what: $reason ($because)", async ({ run, reason, status }) => {
    const [before, stored] = [operator.log(), await storedState(target, namespace)];
    const told = await run(scene);
    expect([told.code, told.text.split(":")[0]]).toEqual([status, reason]);
    expect(await reasonsSince(operator, before)).toEqual([reason]);
    expect(await storedState(target, namespace)).toEqual(stored);
    expect(await listInventories(target, namespace)).toEqual([]);
  });
});
