/** What is seen of a decision: an Event at its object, a count in /metrics; and a flood of refusals is one Event. */
import { beforeAll, expect, inject, it } from "vitest";
import { kubectlJson } from "../../control-plane/kubectl.ts";
import { dial, visit } from "../../machine/visit.ts";
import { eventually, listInventories } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const used = useOperator(target, "seen");
const ak = generateAttestationKey("rsa");
let url: string;

interface SeenEvent {
  readonly reason: string;
  readonly type: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly series?: { readonly count: number };
}

beforeAll(async () => {
  url = used.legacyUrl((await used.makeDoor("door")).token);
});

async function events(): Promise<readonly SeenEvent[]> {
  const list = await kubectlJson(target, ["get", "events.v1.events.k8s.io", `--namespace=${used.namespace}`]);
  return (list as { readonly items: readonly SeenEvent[] }).items;
}

async function metrics(): Promise<readonly string[]> {
  return (await (await fetch(`${used.operator.healthUrl}/metrics`)).text()).split("\n");
}

it("an admitted machine has an Event at its inventory, and is counted", async () => {
  const tpm = createSoftwareTpm({ ak });
  expect((await visit({ url, tpm })).close?.code).toBe(1000);
  const [machine] = await listInventories(target, used.namespace);
  const seen = await eventually(
    async () => (await events()).find(({ regarding }) => regarding.kind === "MachineInventory"),
    "the Event",
  );
  expect(seen).toMatchObject({
    reason: "MACHINE_REGISTERED",
    type: "Normal",
    note: `machine admitted (endorsement key ${tpm.ekHash}, from 127.0.0.1)`,
    regarding: { name: machine?.metadata.name, uid: machine?.metadata.uid },
  });
  const lines = await metrics();
  expect(lines).toContain(
    'rancheros_decisions_total{decision="admitted",reason="MACHINE_REGISTERED",protocol="legacy"} 1',
  );
  expect(lines).toContain("rancheros_sessions_in_flight 0");
  expect(lines).toContain("rancheros_registrations 1");
  await eventually(
    async () => ((await metrics()).includes("rancheros_inventories 1") ? true : undefined),
    "the inventory is counted",
  );
});

it("a hundred refusals are a hundred counts, and one Event that is written seldom", async () => {
  const weak = createSoftwareTpm({ ak, ekRsaBits: 1024 });
  for (let time = 0; time < 100; time += 1) expect(await dial({ url, tpm: weak })).toMatchObject({ kind: "refused" });
  expect(await metrics()).toContain(
    'rancheros_decisions_total{decision="refused",reason="EK_TOO_SHORT",protocol="legacy"} 100',
  );
  const refused = await eventually(async () => {
    const found = (await events()).filter(({ reason }) => reason === "EK_TOO_SHORT");
    return (found[0]?.series?.count ?? 0) >= 2 ? found : undefined;
  }, "the series");
  expect(refused).toMatchObject([{ type: "Warning", regarding: { kind: "MachineRegistration", name: "door" } }]);
  const written = (await metrics()).find((line) => line.startsWith('rancheros_events_total{result="written"}'));
  expect(Number(written?.split(" ")[1])).toBeLessThanOrEqual(12);
});
