/** Closed, full, demanding, slow and crowded doors, tried over the network in both protocols. */
import { beforeAll, describe, expect, inject, it } from "vitest";
import { DOOR_ATTACKS } from "../../hostile/door-attacks.ts";
import { legacyUrl, openDoors, through, type DoorScene } from "../../hostile/doors.ts";
import { RATE_ATTACKS } from "../../hostile/rate-attacks.ts";
import { untilStill } from "../../hostile/watcher.ts";
import { channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { listInventories } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createSoftwareTpm } from "../../software-tpm/index.ts";
import { ATTACKED, tryAttacks } from "./try-attacks.ts";

const target = inject("controlPlane");
/** So few that they can all be held. */
const used = useOperator(target, "doors", { flags: [...ATTACKED, "--max-sessions=8"] });
let scene: DoorScene;

beforeAll(async () => {
  const { namespace, operator } = used;
  const channel = await channelAt(operator.httpsUrl);
  scene = await openDoors({ target, namespace, origin: operator.httpUrl, channel });
  await untilStill(target, namespace);
});

describe("a door that does not open", () => {
  tryAttacks(target, used, DOOR_ATTACKS, () => scene);

  it("opens to whom it should, after all that: the known machine with its certificate", async () => {
    expect((await visitAttested(through(scene, "virtual", scene.known))).trust).toBe("virtual");
    expect(await listInventories(target, used.namespace)).toHaveLength(2);
  });
});

describe("too often, or too many", () => {
  tryAttacks(target, used, RATE_ATTACKS, () => scene);

  it("is a matter of who came: another source comes in through the door that one has used up", async () => {
    const visitor = { url: legacyUrl(scene, "slow-source"), tpm: createSoftwareTpm({ ak: scene.ak }) };
    expect((await visit(visitor)).status).toBe(429);
    expect((await visit({ ...visitor, localAddress: "127.0.0.9" })).close?.code).toBe(1000);
  });

  it("is over when the crowd has left", async () => {
    const visitor = { url: legacyUrl(scene, "open"), tpm: createSoftwareTpm({ ak: scene.ak }) };
    expect((await visit(visitor)).close?.code).toBe(1000);
  });
});
