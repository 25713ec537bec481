/** How often a registry is asked that wants to be left alone. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { SignatureError } from "@rancheros/protocol/signatures";
import { describe, expect, it } from "vitest";
import type { Materials } from "../../../src/rollout/build-plan.ts";
import { RolloutError } from "../../../src/rollout/errors.ts";
import { KubernetesError } from "../../../src/controller/index.ts";
import { RegistryError } from "../../../src/registry/index.ts";
import { runRollouts } from "../../../src/rollout/run-rollouts.ts";
import { plainMachine } from "./plain-machine.ts";
import { quietParts } from "./quiet-parts.ts";
import { VirtualTime } from "./virtual-time.ts";

const WANTED_MS = 600_000;
const MACHINE = plainMachine({ uid: "machine", lastSeenMs: 0 });

const busy = (): Promise<string> =>
  Promise.reject(new RegistryError("REGISTRY_BUSY", "busy", { retry: { afterMs: WANTED_MS } }));

/** One image, by default of a registry that is busy, and a watch that shows each write. */
function scene(
  resolve: (osImage: string, time: VirtualTime) => Promise<string> = busy,
  materials: (osImage: string, time: VirtualTime) => Promise<Materials> = () => Promise.reject(new Error("not used")),
) {
  const time = new VirtualTime();
  const askedMs: number[] = [];
  /** Whether somebody is always faster, and how often it was tried all the same. */
  const contest = { isOn: false, writes: 0 };
  let version = 1;
  let image: ManagedOSImage = {
    metadata: { name: "os", namespace: "fleet-local", uid: "u", resourceVersion: "1", generation: 1 },
    spec: { osImage: "registry.example.com/os:v1" },
  };
  function publish(next: ManagedOSImage): ManagedOSImage {
    version += 1;
    image = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } };
    const shown = image;
    time.setTimer(() => run.onImage(shown), 20);
    return image;
  }
  const run = runRollouts({
    ...quietParts(time),
    store: {
      read: () => Promise.resolve(image),
      writeStatus(object, status) {
        if (!contest.isOn) return Promise.resolve(publish({ ...object, status }));
        contest.writes += 1;
        if (contest.writes > WRITES_MAX) return new Promise(() => undefined);
        return Promise.reject(new KubernetesError("KUBERNETES_CONFLICT", "the object has been modified"));
      },
    },
    readMachine: async () => MACHINE,
    resolve: (_object, named) => {
      askedMs.push(time.nowMs);
      return resolve(named.image, time);
    },
    materials: ({ spec }) => materials(spec.osImage ?? "", time),
  });
  run.onImage(image);
  run.onImagesSynced();
  return { time, askedMs, run, publish, contest, image: () => image };
}

/** A loop without a pause would never come to an end in virtual time. */
const WRITES_MAX = 10_000;

it("a status that cannot be written is written seldom, and once it can", async () => {
  const { time, run, image, contest } = scene(() => Promise.resolve(`sha256:${"a".repeat(64)}`));
  contest.isOn = true;
  await time.pass(60_000);
  expect(contest.writes).toBeGreaterThan(6);
  expect(contest.writes).toBeLessThanOrEqual(240);
  contest.isOn = false;
  await time.pass(60_000);
  expect(image().status?.digest).toBe(`sha256:${"a".repeat(64)}`);
  await run.stop();
});

describe("a registry that wants to be left alone", () => {
  it("is asked again when it said, whatever is written meanwhile, and the status says why", async () => {
    const { time, askedMs, image, run } = scene();
    await time.pass(WANTED_MS - 1_000);
    expect(askedMs).toHaveLength(1);
    expect(image().status?.conditions?.find(({ type }) => type === "Resolved")).toMatchObject({
      reason: "REGISTRY_BUSY",
    });
    await time.pass(WANTED_MS / 5);
    expect(askedMs).toHaveLength(2);
    await run.stop();
  });

  it("is asked at once about another spec", async () => {
    const { time, askedMs, image, publish, run } = scene();
    await time.pass(60_000);
    const { metadata } = image();
    publish({ ...image(), spec: { osImage: "registry.example.com/os:v2" }, metadata: { ...metadata, generation: 2 } });
    await time.pass(1_000);
    expect(askedMs).toHaveLength(2);
    await run.stop();
  });
});

describe("a registry that has answered, and will answer the same", () => {
  const notFound = new RegistryError("REGISTRY_NOT_FOUND", "there is no such image");
  it.each([
    notFound,
    new RegistryError("REGISTRY_REFUSED", "the account is refused"),
    new SignatureError("SIGNATURE_MISSING", "there is no signature of it"),
  ])("is asked often at first, and every few minutes from then on: $code", async (refusal) => {
    const { time, askedMs, run } = scene(() => Promise.reject(refusal));
    await time.pass(60_000);
    expect(askedMs.length).toBeGreaterThan(7);
    await time.pass(6 * 3_600_000);
    // Docker Hub gives 100 images in six hours to whoever has no account.
    expect(askedMs.length).toBeLessThan(100);
    expect(Math.max(...askedMs.slice(1).map((ms, index) => ms - (askedMs[index] ?? ms)))).toBeLessThan(400_000);
    await run.stop();
  });

  it("is asked at once about another spec", async () => {
    const { time, askedMs, image, publish, run } = scene(() => Promise.reject(notFound));
    await time.pass(3_600_000);
    const asked = askedMs.length;
    const { metadata } = image();
    publish({ ...image(), spec: { osImage: "registry.example.com/os:v2" }, metadata: { ...metadata, generation: 2 } });
    await time.pass(1_000);
    expect(askedMs.length).toBeGreaterThan(asked);
    await run.stop();
  });

  it("is asked every few seconds where it did not answer", async () => {
    const { time, askedMs, run } = scene(() => Promise.reject(new RegistryError("REGISTRY_UNREACHABLE", "away")));
    await time.pass(600_000);
    expect(askedMs.length).toBeGreaterThan(60);
    await run.stop();
  });
});

describe("what fails after the spec has become another one", () => {
  const digest = `sha256:${"a".repeat(64)}`;

  it("says nothing of that one: a Secret that was missing", async () => {
    const { time, image, publish, run } = scene(
      async () => digest,
      async (osImage, clock) => {
        if (osImage.endsWith(":v2")) return { prepareEnv: {}, upgradeEnv: {}, credentials: [], firstCredentials: [] };
        await clock.delay(20_000);
        throw new RolloutError("ROLLOUT_REFERENCE_MISSING", "there is no Secret fleet-local/s");
      },
    );
    run.onMachine(MACHINE);
    await time.pass(10_000);
    void run.ask(MACHINE);
    await time.pass(5_000);
    const { metadata } = image();
    publish({ ...image(), spec: { osImage: "registry.example.com/os:v2" }, metadata: { ...metadata, generation: 2 } });
    await time.pass(60_000);
    const resolved = image().status?.conditions?.find(({ type }) => type === "Resolved");
    expect(resolved).toMatchObject({ status: "True", observedGeneration: 2 });
    await run.stop();
  });

  it("says nothing of that one: a registry", async () => {
    const { time, image, publish, run } = scene(async (osImage, clock) => {
      if (osImage.endsWith(":v2")) return digest;
      await clock.delay(20_000);
      throw new RegistryError("REGISTRY_UNREACHABLE", "nobody is there");
    });
    await time.pass(10_000);
    const { metadata } = image();
    publish({ ...image(), spec: { osImage: "registry.example.com/os:v2" }, metadata: { ...metadata, generation: 2 } });
    await time.pass(5_000);
    const resolved = () => image().status?.conditions?.find(({ type }) => type === "Resolved");
    expect(resolved()).toMatchObject({ status: "True", observedGeneration: 2 });
    await time.pass(120_000);
    expect(resolved()).toMatchObject({ status: "True", observedGeneration: 2 });
    await run.stop();
  });
});

describe("a replica that has stopped", () => {
  it("writes nothing more, nor grants anything to a machine that it was answering", async () => {
    const { time, image, run } = scene(
      async () => `sha256:${"a".repeat(64)}`,
      async (_osImage, clock) => {
        await clock.delay(2_000);
        return { prepareEnv: {}, upgradeEnv: {}, credentials: [], firstCredentials: [] };
      },
    );
    run.onMachine(MACHINE);
    await time.pass(60_000);
    const asked = run.ask(MACHINE);
    await time.pass(1_000);
    const { resourceVersion } = image().metadata;
    await run.stop();
    await time.pass(3_600_000);
    expect(await asked).toMatchObject({ plan: undefined, waiting: { reason: "Queued" } });
    expect(image().metadata.resourceVersion).toBe(resourceVersion);
  });
});
