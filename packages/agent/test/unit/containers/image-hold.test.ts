/** What keeps an image's beginning: leases by ctr, and what they hold by containerd's own socket. */
import { describe, expect, it } from "vitest";

import { containerdApi } from "../../../src/containers/containerd/containerd-api.ts";
import { ctrOf } from "../../../src/containers/containerd/ctr.ts";
import { holdImage, ingestsOf, releaseImage } from "../../../src/containers/containerd/image-hold.ts";
import type {
  ContainerdAnswer,
  ContainerdCalls,
  ContainerdOutcome,
} from "../../../src/containers/io/containerd-calls.ts";
import type { ToolCall, ToolOutcome } from "../../../src/containers/io/run-tool.ts";
import { parsePinnedImage, type ImageDescription } from "../../../src/images/index.ts";

const NAME = "ros-agent-pull-0123456789abcdef";
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const runtime = {
  kind: "containerd",
  origin: "set",
  program: ["ctr"],
  socket: "/s",
  namespace: "n",
  snapshotter: undefined,
} as const;
const { signal } = new AbortController();

const layer = (letter: string, refName?: string) => ({ mediaType: "", digest: digest(letter), sizeBytes: 1, refName });
const description: ImageDescription = {
  image: parsePinnedImage(`registry.test/os@${digest("a")}`),
  platform: { os: "linux", architecture: "amd64", variant: undefined },
  manifestDigest: digest("b"),
  manifests: new Map([digest("a"), digest("b")].map((one) => [one, Buffer.alloc(0)])),
  config: layer("c"),
  layers: [layer("d"), layer("e", "upper"), layer("d")],
  diffIds: [],
  transferBytes: 4,
};

const DONE: ContainerdAnswer = { kind: "ok", message: Buffer.alloc(0) };

/** A ctr that has these leases; and what it was asked, with what containerd was. */
function world(leases: readonly string[], answer: ContainerdAnswer = DONE) {
  const there = new Set(leases);
  const asked: string[] = [];
  const ctr = ctrOf(runtime, async ({ args }: ToolCall): Promise<ToolOutcome> => {
    const words = args.slice(4);
    asked.push(words.join(" "));
    const ok = (stdout = ""): ToolOutcome => ({ kind: "ok", stdout: Buffer.from(stdout), stderr: "" });
    const id = words.at(-1) ?? "";
    if (words[1] === "ls") return ok([...there, ""].join("\n"));
    if (words[1] === "create") return ok(`${words[3]}\n`);
    if (there.delete(id)) return ok(`${id}\n`);
    // Printed by ctr 2.4.2.
    const stderr = `ctr: lease "${id}": not found\n`;
    return { kind: "failed", exitCode: 1, stdout: Buffer.alloc(0), stderr };
  });
  const api = containerdApi(runtime, async ({ calls }: ContainerdCalls): Promise<ContainerdOutcome> => {
    asked.push(...calls.map(({ path, message }) => `${path.split("/").at(-1)} ${message.toString("hex")}`));
    return { kind: "answered", answers: calls.map(() => answer) };
  });
  return { ctr, api, asked, lose: (id: string) => there.delete(id) };
}

describe("holdImage", () => {
  it("holds the image by a new lease before the last one goes, and touches nobody else's", async () => {
    const { ctr, api, asked } = world(["681317155-YPrY", `${NAME}-2`, NAME, `${NAME}-x`, `${NAME.slice(0, -1)}e-9`]);
    await holdImage(ctr, api, { name: NAME, description, signal });
    const resources = asked.filter((one) => one.startsWith("AddResource"));
    expect(asked).toEqual([
      "leases ls --quiet",
      `leases create --id ${NAME}-3 --expires 72h`,
      ...resources,
      `leases delete ${NAME}`,
      `leases delete ${NAME}-2`,
    ]);
    // Index, manifest, configuration and two layers whole; the layers also half.
    expect(resources).toHaveLength(7);
  });

  it("says to containerd in protobuf's words what it holds", async () => {
    const { ctr, api, asked } = world([]);
    await holdImage(ctr, api, { name: "l", description: { ...description, manifests: new Map() }, signal });
    // As the Go API of containerd 2.4 encodes it: id "l-1", resource {id "layer-upper@sha256:e…", type "ingests"}.
    const id = Buffer.from(`layer-upper@${digest("e")}`).toString("hex");
    const type = Buffer.from("ingests").toString("hex");
    expect(asked.at(-1)).toBe(`AddResource 0a036c2d31125e0a53${id}1207${type}`);
  });

  it.each<[string, ContainerdAnswer]>([
    ["CONTAINER_RUNTIME_FAILED", { kind: "refused", status: 12, words: "unknown service" }],
    ["CONTAINER_NONSENSE", { kind: "nonsense", words: "no status" }],
  ])("fails with %s, and keeps what held it before", async (code, answer) => {
    const { ctr, api, asked } = world([`${NAME}-1`], answer);
    await expect(holdImage(ctr, api, { name: NAME, description, signal })).rejects.toMatchObject({ code });
    expect(asked.filter((one) => one.includes("delete"))).toEqual([]);
  });
});

describe("releaseImage", () => {
  it("removes all leases of the image, and waits with the last until what nobody needs is gone", async () => {
    const { ctr, asked } = world([`${NAME}-10`, NAME, `${NAME}-9`, "other"]);
    await releaseImage(ctr, NAME, { andCollect: true });
    expect(asked.slice(1)).toEqual([
      `leases delete ${NAME}`,
      `leases delete ${NAME}-9`,
      `leases delete --sync ${NAME}-10`,
    ]);
  });

  it("is content with one that somebody else has just removed", async () => {
    const { ctr } = world([]);
    const outcome = { kind: "ok", stdout: Buffer.from(`${NAME}-1\n`), stderr: "" } as const;
    const listing = { ...ctr, text: () => Promise.resolve(outcome.stdout.toString()) };
    await expect(releaseImage(listing, NAME, { andCollect: true })).resolves.toBeUndefined();
  });
});

describe("containerd's API", () => {
  it("gives up what is half there, and counts it", async () => {
    const asked: string[] = [];
    const api = containerdApi(runtime, async ({ calls, socket, namespace }) => {
      asked.push(socket, namespace, ...calls.map(({ path, message }) => `${path} ${message.toString("latin1")}`));
      const answers = calls.map((_, at): ContainerdAnswer => {
        return at === 0 ? DONE : { kind: "refused", status: 5, words: "" };
      });
      return { kind: "answered", answers };
    });
    expect(await api.abortIngests(ingestsOf(description), signal)).toBe(1);
    const abort = "/containerd.services.content.v1.Content/Abort";
    expect(asked.slice(0, 3)).toEqual(["/s", "n", `${abort} \n\x4dlayer-${digest("d")}`]);
    expect(asked.slice(3).map((one) => one.slice(abort.length + 3).split(":")[0])).toEqual([
      "layer-upper@sha256",
      "config-sha256",
      "manifest-sha256",
      "index-sha256",
      "manifest-sha256",
      "index-sha256",
    ]);
  });

  it.each<[string, ContainerdOutcome]>([
    ["CONTAINER_RUNTIME_UNREACHABLE", { kind: "unreachable", cause: new Error("gone") }],
    ["CONTAINER_PERMISSION", { kind: "unreachable", cause: Object.assign(new Error("no"), { code: "EACCES" }) }],
    ["CONTAINER_TIMED_OUT", { kind: "timed-out", timeoutMs: 1 }],
    ["CONTAINER_INTERRUPTED", { kind: "cancelled" }],
  ])("is %s where it cannot be asked", async (code, outcome) => {
    const api = containerdApi({ ...runtime, socket: undefined, namespace: undefined }, async (call) => {
      expect(call).toMatchObject({ socket: "/run/containerd/containerd.sock", namespace: "default" });
      return outcome;
    });
    await expect(api.abortIngests(["x"], signal)).rejects.toMatchObject({ code });
  });
});
