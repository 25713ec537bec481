/** Which images this machine opens at a real registry, and how much of them it has asked for by then. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  NO_REGISTRIES,
  nodePlatform,
  openImage,
  parsePinnedImage,
  readPolicies,
  type ImageEvent,
} from "@rancheros/agent/images";
import { parseImagePolicy, type ImagePolicy } from "@rancheros/protocol/signatures";
import {
  askedPaths,
  buildImage,
  buildIndex,
  pushImage,
  startRegistry,
  type Image,
  type ImageIndex,
  type TestRegistry,
} from "../../../../../test/registry/index.ts";
import {
  keySigner,
  pushSignatureBundle,
  pushSignatures,
  simpleSigning,
  startAuthorities,
  type Authorities,
} from "../../../../../test/sigstore/index.ts";

const folder = mkdtempSync("/tmp/ros-signed-");
const registryFolder = path.join(folder, "r");
const ours = keySigner();
const stranger = keySigner();
const SUBJECT = "somebody@example.com";
const ISSUER = "https://accounts.example.com";

let registry: TestRegistry;
let authorities: Authorities;
let names = 0;

beforeAll(async () => {
  [registry, authorities] = await Promise.all([startRegistry({ folder: registryFolder }), startAuthorities()]);
});
afterAll(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Pushed {
  readonly repository: string;
  readonly name: string;
  readonly reference: string;
  readonly image: Image | ImageIndex;
}

async function push(image: Image | ImageIndex = fresh()): Promise<Pushed> {
  names += 1;
  const repository = `os/image-${names}`;
  const digest = await pushImage(registry, repository, "v1", image);
  const name = `${registry.host}/${repository}`;
  return { repository, name, reference: `${name}@${digest}`, image };
}

function fresh(platform?: { readonly os: string; readonly architecture: string }): Image {
  names += 1;
  const layers = [[{ path: "/release", content: `image ${names}` }]];
  return buildImage(platform === undefined ? { layers } : { layers, platform });
}

function policy(rule: Readonly<Record<string, unknown>> = {}, signers: readonly unknown[] = [{ publicKey: ours.pem }]) {
  return parseImagePolicy([{ images: [`${registry.host}/os/**`], require: signers, ...rule }], "policy.yaml");
}

interface Opened {
  /** Of the error; undefined where the image was opened. */
  readonly code: string | undefined;
  readonly events: readonly ImageEvent["kind"][];
}

async function open({ reference }: Pick<Pushed, "reference">, policies: readonly ImagePolicy[]): Promise<Opened> {
  const events: ImageEvent["kind"][] = [];
  const options = {
    image: parsePinnedImage(reference),
    platform: nodePlatform(process.arch),
    registries: NO_REGISTRIES,
    accounts: [],
    policies,
    bytesPerSecond: undefined,
    patienceMs: 0,
    signal: AbortSignal.timeout(60_000),
    onEvent: ({ kind }: ImageEvent) => events.push(kind),
  };
  try {
    await openImage(options);
    return { code: undefined, events };
  } catch (error) {
    return { code: (error as { readonly code?: string }).code, events };
  }
}

function sign({ repository, name, image }: Pushed, signer = ours, digest = image.descriptor.digest): Promise<void> {
  return pushSignatures(registry, repository, image.descriptor.digest, [simpleSigning(signer, name, digest)]);
}

function statementOf(digest: string): Buffer {
  const subject = [{ digest: { sha256: digest.slice("sha256:".length) } }];
  const predicateType = "https://sigstore.dev/cosign/sign/v1";
  return Buffer.from(
    JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate: {} }),
  );
}

describe("an image at a real registry", () => {
  it("is opened when a key of the policy has signed it", async () => {
    const pushed = await push();
    await sign(pushed);
    expect(await open(pushed, [policy()])).toEqual({ code: undefined, events: ["signed"] });
  });

  it("that nobody has signed is refused before anything of its layers is asked for", async () => {
    const pushed = await push();
    expect((await open(pushed, [policy()])).code).toBe("SIGNATURE_MISSING");
    const asked = (await askedPaths(registry, registryFolder)).filter((one) => one.includes(pushed.repository));
    const layers = pushed.image.kind === "image" ? [...pushed.image.blobs.keys()].slice(1) : [];
    expect(layers).toHaveLength(1);
    expect(asked.some((one) => one.includes(".sig"))).toBe(true);
    expect(asked.filter((one) => one.startsWith("GET") && layers.some((layer) => one.includes(layer)))).toEqual([]);
  });

  it("signed by a stranger, or with the signature of another image, is refused with the reason", async () => {
    const [strange, replayed, signed] = [await push(), await push(), await push()];
    await sign(strange, stranger);
    await sign(replayed, ours, signed.image.descriptor.digest);
    expect((await open(strange, [policy()])).code).toBe("SIGNATURE_UNTRUSTED");
    expect((await open(replayed, [policy()])).code).toBe("SIGNATURE_OTHER_IMAGE");
  });

  it("is opened when an identity of the policy has signed it, by a bundle below the tag for referrers", async () => {
    const pushed = await push();
    const { digest } = pushed.image.descriptor;
    const bundle = await authorities.envelope(statementOf(digest), { subject: SUBJECT, issuer: ISSUER });
    await pushSignatureBundle(registry, pushed.repository, pushed.image.descriptor, bundle);
    const { trustedRoot } = authorities;
    const keyless = { issuer: ISSUER, subject: SUBJECT, trustedRoot };
    expect(await open(pushed, [policy({}, [{ keyless }])])).toEqual({ code: undefined, events: ["signed"] });
    const other = policy({}, [{ keyless: { ...keyless, subject: "somebody-else@example.com" } }]);
    expect((await open(pushed, [other])).code).toBe("SIGNATURE_UNTRUSTED");
  });

  it("of several platforms is opened when the index is signed, or the image that this machine takes", async () => {
    const own = fresh();
    const other = fresh({ os: "linux", architecture: "s390x" });
    const byIndex = await push(buildIndex([other, own]));
    await sign(byIndex);
    expect((await open(byIndex, [policy()])).code).toBeUndefined();
    const byImage = await push(buildIndex([other, own]));
    const signature = simpleSigning(ours, byImage.name, own.descriptor.digest);
    await pushSignatures(registry, byImage.repository, other.descriptor.digest, [signature]);
    expect((await open(byImage, [policy()])).code).toBe("SIGNATURE_MISSING");
    await pushSignatures(registry, byImage.repository, own.descriptor.digest, [signature]);
    expect((await open(byImage, [policy()])).code).toBeUndefined();
  });

  it("is opened without a signature where the policy only warns, and that is told", async () => {
    expect(await open(await push(), [policy({ mode: "warn" })])).toEqual({ code: undefined, events: ["unsigned"] });
  });

  it("has to satisfy each policy: what one lets in, the other may refuse", async () => {
    const pushed = await push();
    await sign(pushed);
    const others = policy({}, [{ publicKey: stranger.pem }]);
    expect((await open(pushed, [policy({ mode: "ignore", require: undefined }), policy()])).code).toBeUndefined();
    expect((await open(pushed, [policy(), others])).code).toBe("SIGNATURE_UNTRUSTED");
    await pushSignatures(registry, pushed.repository, pushed.image.descriptor.digest, [
      simpleSigning(stranger, pushed.name, pushed.image.descriptor.digest),
      simpleSigning(ours, pushed.name, pushed.image.descriptor.digest),
    ]);
    expect((await open(pushed, [policy(), others])).events).toEqual(["signed", "signed"]);
  });

  it("of a registry that is away is not taken for an unsigned one", async () => {
    const reference = `127.0.0.1:1/os/none@sha256:${"a".repeat(64)}`;
    expect((await open({ reference }, [policy()])).code).toBe("IMAGE_REGISTRY_UNREACHABLE");
  });
});

describe("the machine's policies", () => {
  const root = path.join(folder, "root");
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };

  it("are those of the image and of the administrator, and none where there is no file", async () => {
    expect(await readPolicies(root)).toEqual([]);
    write("usr/lib/rancheros/image-policy.yaml", '- images: ["**"]\n  mode: ignore\n');
    write("etc/rancher/rancheros/image-policy.yaml", '- images: ["a.example.com/*"]\n  mode: ignore\n');
    expect((await readPolicies(`${root}/`)).map(({ rules }) => rules.map(({ images }) => images))).toEqual([
      [["**"]],
      [["a.example.com/*"]],
    ]);
  });

  it.each([
    ["no YAML", "{", /is no YAML/],
    ["a mistake", '- images: ["**"]\n  mod: ignore\n', /rules\[0\]\.mod: is unknown.*rules\[0\]\.require: is missing/],
    ["nothing at all", "", /is no list/],
    ["more than a policy has", `# ${"x".repeat(1024 * 1024)}\n[]\n`, /has more than/],
  ])("with %s are refused, and do not count as none", async (_, text, message) => {
    write("etc/rancher/rancheros/image-policy.yaml", text);
    await expect(readPolicies(root)).rejects.toMatchObject({
      code: "SIGNATURE_POLICY_INVALID",
      message: expect.stringMatching(message) as string,
    });
  });

  it("that are a folder are refused", async () => {
    rmSync(path.join(root, "etc/rancher/rancheros/image-policy.yaml"));
    mkdirSync(path.join(root, "etc/rancher/rancheros/image-policy.yaml"));
    await expect(readPolicies(root)).rejects.toMatchObject({ code: "SIGNATURE_POLICY_INVALID" });
  });

  it("behind a link that leads nowhere are refused: the disk may not be there yet", async () => {
    const links = [
      ["etc/rancher/rancheros/image-policy.yaml", "/oem/image-policy.yaml"],
      ["etc/rancher/rancheros", "../../oem/rancheros"],
      ["etc/rancher", "/oem/rancher"],
      ["usr/lib/rancheros", "/oem/lib"],
    ] as const;
    for (const [place, target] of links) {
      rmSync(root, { recursive: true });
      mkdirSync(path.dirname(path.join(root, place)), { recursive: true });
      symlinkSync(target, path.join(root, place));
      await expect(readPolicies(root), place).rejects.toMatchObject({
        code: "SIGNATURE_POLICY_INVALID",
        message: expect.stringContaining(`/${place} leads nowhere`) as string,
      });
    }
  });

  it("behind links are read below the machine's root, not below ours", async () => {
    const outside = path.join(folder, "outside");
    mkdirSync(outside);
    writeFileSync(path.join(outside, "image-policy.yaml"), '- images: ["**/ours"]\n  mode: ignore\n');
    rmSync(root, { recursive: true });
    mkdirSync(path.join(root, "etc/rancher"), { recursive: true });
    symlinkSync(outside, path.join(root, "etc/rancher/rancheros"));
    await expect(readPolicies(root)).rejects.toMatchObject({ code: "SIGNATURE_POLICY_INVALID" });
    mkdirSync(path.join(root, outside), { recursive: true });
    expect(await readPolicies(root)).toEqual([]);
    write(`${outside}/image-policy.yaml`, '- images: ["**/theirs"]\n  mode: ignore\n');
    expect((await readPolicies(root)).map(({ rules }) => rules.map(({ images }) => images))).toEqual([[["**/theirs"]]]);
  });
});
