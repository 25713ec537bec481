/** A status that names machines which the watch has not shown: they may be new, or nobody's, as where somebody wrote them by hand. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { expect, it } from "vitest";
import { checkPath } from "../../../src/controller/request-path.ts";
import { ALWAYS_HEARD } from "../../../src/rollout/hearing.ts";
import { ImageWorker } from "../../../src/rollout/image-worker.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import type { RolloutParts } from "../../../src/rollout/rollout-parts.ts";
import { digestPinned } from "./digest-pinned.ts";
import { plainMachine } from "./plain-machine.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const KEY = "fleet-local/os";
const metadata = { name: "os", namespace: "fleet-local", uid: "u", resourceVersion: "1", generation: 1 };

/** @param there  machines that the API server has; the watch has shown the one that asks */
function scene(there: () => readonly RolloutMachine[], name = "stranger") {
  const time = new VirtualTime();
  const asking = plainMachine({ name: "asking", uid: "uid-asking" });
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  const named = { machine: name, uid: "uid-stranger", attempt: 7 };
  const at = new Date(time.nowMs).toISOString();
  const spec = { osImage: "registry:5000/os:v1", concurrency: 1, failureBudget: 0 };
  let image: ManagedOSImage = digestPinned({ metadata, spec }, index);
  const reads: string[] = [];
  const parts: RolloutParts = {
    ...quietParts(time),
    store: {
      read: async () => image,
      async writeStatus(object, status) {
        const resourceVersion = String(Number(image.metadata.resourceVersion) + 1);
        image = { ...object, status, metadata: { ...object.metadata, resourceVersion } };
        return image;
      },
    },
    async readMachine(_, wanted) {
      checkPath(`/apis/rancheros.cattle.io/v1/namespaces/fleet-local/machineinventories/${wanted}`);
      reads.push(wanted);
      return [...there(), asking].find(({ metadata: { name: one } }) => one === wanted);
    },
  };
  index.putImage(image);
  index.putMachine(asking);
  const plan = index.image(KEY)?.plan ?? "";
  const held = { ...named, cluster: "local", plan, grantedAt: at };
  const failed = { ...named, time: at, reason: "ROLLOUT_NODE_TIMEOUT", message: "" };
  const worker = new ImageWorker(
    KEY,
    index,
    { ...parts, hearing: () => ALWAYS_HEARD },
    () => "ready",
    () => undefined,
  );
  return {
    reads,
    time,
    holders: () => (image.status?.slots ?? []).map(({ machine }) => machine),
    status: () => image.status,
    write: (what: "slots" | "failures"): void => {
      const resourceVersion = String(Number(image.metadata.resourceVersion) + 1);
      const status = { ...image.status, ...(what === "slots" ? { slots: [held] } : { failures: [failed] }) };
      image = { ...image, status, metadata: { ...image.metadata, resourceVersion } };
      index.putImage(image);
      const state = index.image(KEY);
      if (state !== undefined) worker.touch(state);
    },
    ask: async () => {
      const [answer] = await Promise.allSettled([worker.ask(asking.metadata.uid), time.pass(5_000)]);
      if (answer.status === "rejected") throw answer.reason;
      return answer.value;
    },
  };
}

const stranger = plainMachine({ name: "stranger", uid: "uid-stranger" });
const namesake = { ...stranger, metadata: { ...stranger.metadata, uid: "another uid" } };

it.each<[string, readonly RolloutMachine[]]>([
  ["no machine of that name", []],
  ["another machine of that name", [namesake]],
])("a slot is nobody's, and free at once, where there is %s", async (_, there) => {
  const { write, ask, holders } = scene(() => there);
  write("slots");
  expect(await ask()).toBeUndefined();
  expect(holders()).toEqual(["asking"]);
});

it.each(["Rack 7", "..", "ü", "", "a/b"])(
  "a slot is free at once that names what can be no machine: %j",
  async (name) => {
    const { write, ask, holders } = scene(() => [], name);
    write("slots");
    expect(await ask()).toBeUndefined();
    expect(holders()).toEqual(["asking"]);
  },
);

it("a slot is free again also where nobody asks, and a failure is nobody's, too", async () => {
  const { write, time, holders, status } = scene(() => []);
  write("slots");
  await time.pass(60_000);
  expect(holders()).toEqual([]);
  expect(status()).toMatchObject({ updating: 0, total: 1 });
  write("failures");
  await time.pass(60_000);
  expect(status()).toMatchObject({ failures: [], failed: 0, total: 1, state: "Progressing" });
});

it("a slot is kept for a machine that is there, though the watch has not shown it yet", async () => {
  const { write, ask, holders, reads } = scene(() => [stranger]);
  write("slots");
  expect(await ask()).toMatchObject({ reason: "Queued" });
  expect(holders()).toEqual(["stranger"]);
  expect(reads).toContain("stranger");
});

it("a slot is kept as long as nobody can tell, and nothing is decided", async () => {
  let isAway = true;
  const { write, ask, holders } = scene(() => {
    if (isAway) throw new Error("the API server is away");
    return [];
  });
  write("slots");
  await expect(ask()).rejects.toThrow("away");
  expect(holders()).toEqual(["stranger"]);
  isAway = false;
  expect(await ask()).toBeUndefined();
  expect(holders()).toEqual(["asking"]);
});

it("a failure is nobody's after a while, though nobody asks, where the watch does not show the machine that is there", async () => {
  const { write, time, status } = scene(() => [stranger]);
  write("failures");
  await time.pass(14 * 60_000);
  expect(status()).toMatchObject({ failed: 1, state: "Halted" });
  await time.pass(2 * 60_000);
  expect(status()).toMatchObject({ failures: [], failed: 0, total: 1, state: "Progressing" });
});
