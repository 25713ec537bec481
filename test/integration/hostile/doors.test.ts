/** Closed, full and demanding doors, tried over the network in both protocols. */
import { beforeAll, describe, expect, inject, it } from "vitest";
import { DOOR_ATTACKS } from "../../hostile/door-attacks.ts";
import { openDoors, through, type DoorScene } from "../../hostile/doors.ts";
import { untilStill } from "../../hostile/watcher.ts";
import { channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { listInventories } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { tryAttacks } from "./try-attacks.ts";

const target = inject("controlPlane");
const used = useOperator(target, "doors");
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
