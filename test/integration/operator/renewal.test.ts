/** What replicas share is made anew while machines are on their way: the serving certificate, and the keys of sessions. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { kubectl } from "../../control-plane/kubectl.ts";
import {
  answer,
  askMachine,
  askNonce,
  attest,
  channelAt,
  refusalOf,
  solve,
  visitAttested,
  type AttestedVisit,
} from "../../machine/attested-visit.ts";
import { ageMasterKey, readMasterKeys, unknownKeyId } from "../../operator/seal-keys.ts";
import { eventually } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { KEY_LIFETIME_MS, KEY_OVERLAP_MS } from "../../../packages/operator/src/session/index.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const used = useOperator(target, "renewal", { replicas: 2 });
const ak = generateAttestationKey("rsa");
let token: string;

const first = (): string => used.replicas[0]?.httpUrl ?? "";
const second = (): string => used.replicas[1]?.httpUrl ?? "";
const channelOfReplica = async (number: number): Promise<Buffer> => channelAt(used.replicas[number]?.httpsUrl ?? "");

/** Each request goes to the other replica. */
let turn = 0;
function next(): string {
  turn += 1;
  return turn % 2 === 0 ? first() : second();
}

beforeAll(async () => {
  ({ token } = await used.makeDoor("door"));
});

function machine(channel: Buffer): AttestedVisit {
  return { next, tpm: createSoftwareTpm({ ak }), channel, purpose: { kind: "registration", token } };
}

describe("a serving certificate that one replica has renewed", () => {
  it("is known to the other one, and the one before it still to both", async () => {
    const before = await channelOfReplica(0);
    expect(await channelOfReplica(1)).toEqual(before);
    const underway = machine(before);
    const challenge = await attest(underway, await askNonce(next));
    // As when its time is nearly over: it is to be made anew under the same CA.
    const patch = JSON.stringify({ data: { "tls.crt": "", "tls.key": "" } });
    const secret = ["secret", "rancheros-operator-tls", `--namespace=${used.namespace}`];
    await kubectl(target, ["patch", ...secret, "--type=merge", `--patch=${patch}`]);
    // A key that it does not know makes a replica look.
    const stranger = { ...machine(Buffer.alloc(32, 5)), next: first };
    expect(await refusalOf(visitAttested(stranger))).toBe("403 CHANNEL_MISMATCH");
    const after = await eventually(async () => {
      const shown = await channelOfReplica(0);
      return shown.equals(before) ? undefined : shown;
    }, "the first replica serves with another certificate");
    expect(await channelOfReplica(1)).toEqual(before);

    // It connected to the first replica, and its requests come to the second.
    expect((await visitAttested({ ...machine(after), next: second })).approval).toBe("Approved");
    expect(await channelOfReplica(1)).toEqual(after);
    for (const channel of [before, after]) {
      for (const replica of [first, second]) {
        expect((await visitAttested({ ...machine(channel), next: replica })).approval).toBe("Approved");
      }
    }
    expect((await answer(next, solve(underway, challenge))).approval).toBe("Approved");
  });
});

describe("keys of sessions", () => {
  /** A replica that is shown an id that it does not know reads the Secret, once in two seconds. */
  const LOOK_INTERVAL_MS = 2_000;
  async function makeLook(replica: () => string): Promise<void> {
    const visit = { ...machine(await channelOfReplica(0)), next: replica };
    const nonce = await askNonce(replica);
    const unknown = Buffer.concat([unknownKeyId(), nonce.subarray(4)]);
    expect(await refusalOf(attest(visit, unknown))).toBe("403 NONCE_INVALID");
  }

  const idOf = (nonce: Buffer): string => nonce.subarray(0, 4).toString("hex");

  async function keyIdsInUse(): Promise<readonly string[]> {
    return Promise.all([first, second].map(async (replica) => idOf(await askNonce(replica))));
  }

  it("are made anew after a day; what the old ones sealed is good for a day more, and then no longer", async () => {
    const channel = await channelOfReplica(0);
    const old = await visitAttested(machine(channel));
    const [oldKey] = await readMasterKeys(target, used.namespace);
    if (oldKey === undefined) throw new Error("there is no key");
    const oldId = oldKey.id.toString("hex");
    expect(await keyIdsInUse()).toEqual([oldId, oldId]);
    // Both have read the Secret when they started, which on a fast machine was just now.
    await sleep(LOOK_INTERVAL_MS);

    await ageMasterKey(target, used.namespace, oldKey, KEY_LIFETIME_MS + 60_000);
    await eventually(async () => {
      await makeLook(first);
      return (await keyIdsInUse())[0] === oldId ? undefined : true;
    }, "the first replica makes a key");
    const [newKey, ...others] = await readMasterKeys(target, used.namespace);
    const newId = newKey?.id.toString("hex") ?? "";
    expect(others.map(({ id }) => id.toString("hex"))).toEqual([oldId]);

    // The second replica has not looked since, and takes what the first one seals with the new key.
    const renewed = await visitAttested({ ...machine(channel), next });
    for (const { session } of [old, renewed]) {
      for (const replica of [first, second])
        expect((await askMachine(replica, session.token)).approval).toBe("Approved");
    }
    expect(await keyIdsInUse()).toEqual([newId, newId]);

    await ageMasterKey(target, used.namespace, oldKey, KEY_LIFETIME_MS + KEY_OVERLAP_MS + 1_000);
    for (const replica of [first, second]) {
      await eventually(async () => {
        await makeLook(replica);
        const refusal = await refusalOf(askMachine(replica, old.session.token)).catch(() => undefined);
        return refusal === "401 SESSION_INVALID" ? true : undefined;
      }, "the old session has ended");
      expect((await askMachine(replica, renewed.session.token)).approval).toBe("Approved");
    }
    // Its machine attests again, and is the same.
    const again = await visitAttested({ ...machine(channel), next });
    expect(again.approval).toBe("Approved");
  });
});
