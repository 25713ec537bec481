/** What comes too late, and doors that close while the TPM is working, tried over the network. */
import { beforeAll, describe, expect, inject, it } from "vitest";
import { resealing } from "../../hostile/ageing.ts";
import { CLOSING_DOOR_ATTACKS, type ClosingScene } from "../../hostile/closing-door-attacks.ts";
import { hands } from "../../hostile/hands.ts";
import {
  FUTURE_ATTACKS,
  LATE_ATTACKS,
  LATER_ATTACKS,
  LIFETIMES_MS,
  MARGIN_MS,
  useAged,
  type Held,
  type LateScene,
} from "../../hostile/late-attacks.ts";
import { channelAt } from "../../machine/attested-visit.ts";
import { readSealKeys } from "../../operator/seal-keys.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { generateAttestationKey } from "../../software-tpm/index.ts";
import { ATTACKED, tryAttacks } from "./try-attacks.ts";

const target = inject("controlPlane");
const used = useOperator(target, "late", { flags: ATTACKED });
let scene: LateScene & ClosingScene;

beforeAll(async () => {
  const { namespace, operator } = used;
  const { token, url } = await used.makeDoor("door");
  const ageing = resealing(await readSealKeys(target, namespace));
  const channel = await channelAt(operator.httpsUrl);
  const ak = generateAttestationKey("rsa");
  scene = { url, origin: operator.httpUrl, ak, channel, token, ageing, hands: hands(target, namespace) };
});

describe("too late", () => {
  it.each(Object.entries(LIFETIMES_MS))("a %s is taken up to its last moments", async (held, lifetimeMs) => {
    const use = await useAged(scene, held as Held, lifetimeMs - MARGIN_MS);
    // A challenge is answered, an admission given, or the machine's state told: anything but a refusal, which throws.
    expect(Object.keys((await use()) ?? {}).length).toBeGreaterThan(2);
  });

  tryAttacks(target, used, [...LATE_ATTACKS, ...LATER_ATTACKS, ...FUTURE_ATTACKS], () => scene);
});

describe("a door that closes between challenge and answer", () => {
  tryAttacks(target, used, CLOSING_DOOR_ATTACKS, () => scene);
});
