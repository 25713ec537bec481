/** Every line of what a server must refuse, tried over the network in the attestation protocol. */
import { beforeAll, describe, expect, inject, it } from "vitest";
import { ATTESTED_ATTACKS, type AttestedScene } from "../../hostile/attested-attacks.ts";
import { channelAt } from "../../machine/attested-visit.ts";
import { listInventories } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { generateAttestationKey } from "../../software-tpm/index.ts";
import { ATTACKED, tryAttacks } from "./try-attacks.ts";

const target = inject("controlPlane");
const used = useOperator(target, "attested", { flags: ATTACKED });
let scene: AttestedScene;

beforeAll(async () => {
  const { token, url } = await used.makeDoor("door");
  const channel = await channelAt(used.operator.httpsUrl);
  scene = { url, origin: used.operator.httpUrl, ak: generateAttestationKey("rsa"), channel, token };
});

describe("one field wrong", () => {
  tryAttacks(target, used, ATTESTED_ATTACKS, () => scene);

  it("has made no machine in all that", async () => {
    expect(await listInventories(target, used.namespace)).toEqual([]);
  });
});
