import { beforeAll, describe, expect, it } from "vitest";
import { checkImage, parseImagePolicy, type ImageVerdict } from "@rancheros/protocol/signatures";
import { ISSUER, startAuthorities, SUBJECT, type Authorities } from "../../../../test/sigstore/authorities.ts";
import { verifyKeyless } from "../../src/index.ts";
import {
  jsonBytes,
  memoryRegistry,
  NAME,
  pushBlob,
  pushBundle,
  pushImage,
  simplePayload,
  statement,
  type MemoryRegistry,
} from "../../../../test/sigstore/registry-in-memory.ts";

const HOUR_MS = 3_600_000;
const DIGEST = `sha256:${"a".repeat(64)}`;
const MESSAGE = Buffer.from("what is signed");

let ours: Authorities;
let strangers: Authorities;
let late: Authorities;

beforeAll(async () => {
  [ours, strangers, late] = await Promise.all([
    startAuthorities(),
    startAuthorities(),
    startAuthorities(new Date(Date.now() - HOUR_MS)),
  ]);
});

function verify(bundle: Readonly<Record<string, unknown>>, by: Authorities = ours, artifact = MESSAGE) {
  return verifyKeyless(bundle, artifact, by.trustedRoot);
}

async function problemOf(bundle: Readonly<Record<string, unknown>>, by?: Authorities): Promise<string> {
  const found = await verify(bundle, by);
  return "problem" in found ? found.problem : "proved";
}

describe("verifyKeyless", () => {
  it("proves who has signed, by log and by time stamp, and asks nobody", async () => {
    const identity = { issuer: ISSUER, subject: SUBJECT };
    expect(await verify(await ours.envelope(statement(DIGEST)))).toEqual(identity);
    expect(await verify(await ours.message(MESSAGE))).toEqual(identity);
    expect(await verify(await ours.message(MESSAGE, { isStamped: true }))).toEqual(identity);
  });

  it("does not believe other authorities", async () => {
    expect(await problemOf(await strangers.message(MESSAGE))).not.toBe("proved");
  });

  it("does not believe a certificate that had run out when the signature was logged", async () => {
    expect(await problemOf(await late.message(MESSAGE), late)).toMatch(/certificate/i);
  });

  it("does not believe a signature that no log and no time stamp tells the time of", async () => {
    expect(await problemOf(await ours.message(MESSAGE, { isLogged: false }))).toMatch(/expected 1 timestamps, got 0/);
  });

  it("does not believe a time stamp alone where the root has a log", async () => {
    const bundle = await ours.message(MESSAGE, { isLogged: false, isStamped: true });
    expect(await problemOf(bundle)).toMatch(/expected 1 tlog entries, got 0/);
    const { tlogs: _, ...withoutLog } = ours.trustedRoot;
    expect(await verifyKeyless(bundle, MESSAGE, withoutLog)).toMatchObject({ subject: SUBJECT });
  });

  it.each([0, 1, 10, 120, 500, 999])("believes a time stamp with a fraction of a second: %i ms", async (fractionMs) => {
    const stamping = await startAuthorities(undefined, fractionMs);
    const { tlogs: _, ...withoutLog } = stamping.trustedRoot;
    const bundle = await stamping.message(MESSAGE, { isLogged: false, isStamped: true });
    expect(await verifyKeyless(bundle, MESSAGE, withoutLog)).toMatchObject({ subject: SUBJECT });
    expect(await verifyKeyless(bundle, Buffer.from("another"), withoutLog)).toHaveProperty("problem");
    expect(await verifyKeyless(bundle, MESSAGE, { ...withoutLog, timestampAuthorities: [] })).toHaveProperty("problem");
  });

  it("does not believe the log entry of another signature", async () => {
    const [one, other] = [await ours.message(MESSAGE), await ours.message(MESSAGE)];
    const material = { ...part(one), tlogEntries: part(other)["tlogEntries"] };
    expect(await problemOf({ ...one, verificationMaterial: material })).not.toBe("proved");
  });

  it("does not believe a signature of another message", async () => {
    expect(await verify(await ours.message(MESSAGE), ours, Buffer.from("another"))).toHaveProperty("problem");
  });

  it("does not believe a bent time: it is what the log has signed", async () => {
    const bundle = await ours.message(MESSAGE);
    const [entry] = entriesOf(bundle);
    const bent = { ...entry, integratedTime: String(Number(entry?.["integratedTime"]) + 60) };
    expect(await problemOf({ ...bundle, verificationMaterial: { ...part(bundle), tlogEntries: [bent] } })).not.toBe(
      "proved",
    );
  });

  it("does not believe a time that only a proof of inclusion is there for", async () => {
    const bundle = await ours.message(MESSAGE);
    const [{ inclusionPromise: _, ...entry } = {}] = entriesOf(bundle);
    expect(await problemOf({ ...bundle, verificationMaterial: { ...part(bundle), tlogEntries: [entry] } })).toMatch(
      /timestamps/,
    );
  });

  it.each([
    {},
    { mediaType: 1 },
    { verificationMaterial: [], messageSignature: "x" },
    { dsseEnvelope: { payload: "%" } },
  ])("has words for what is no bundle: %j", async (bundle) => {
    expect(await problemOf(bundle)).not.toBe("proved");
  });
});

function part(bundle: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return bundle["verificationMaterial"] as Record<string, unknown>;
}

function entriesOf(bundle: Readonly<Record<string, unknown>>): readonly Record<string, unknown>[] {
  return part(bundle)["tlogEntries"] as readonly Record<string, unknown>[];
}

describe("an image by an identity", () => {
  let registry: MemoryRegistry;
  let image: string;

  async function check(who: Readonly<Record<string, unknown>> = { subject: SUBJECT }): Promise<ImageVerdict | string> {
    const keyless = { issuer: ISSUER, trustedRoot: ours.trustedRoot, ...who };
    const policy = parseImagePolicy([{ images: ["**"], require: [{ keyless }] }], "policy.yaml");
    const checked = { name: NAME, digests: [image] } as const;
    return checkImage(checked, { policy, source: registry, verifyKeyless }).catch((error: Error) => error.message);
  }

  function fresh(): void {
    registry = memoryRegistry();
    image = pushImage(registry, "v1");
  }

  it("is let in by a bundle, exactly or by a pattern, and by nobody else's", async () => {
    fresh();
    pushBundle(registry, image, await ours.envelope(statement(image)));
    expect(await check()).toMatchObject({ kind: "signed" });
    const subjectRegExp = "https://github[.]com/example/os/[.]github/workflows/release[.]yml@refs/tags/.*";
    expect(await check({ subjectRegExp })).toMatchObject({ kind: "signed" });
    expect(await check({ subjectRegExp: "example/os" })).toMatch(/whom the policy does not name/);
    expect(await check({ subject: `${SUBJECT}2` })).toMatch(/whom the policy does not name/);
    expect(await check({ subject: SUBJECT, issuer: "https://issuer.evil.example" })).toMatch(
      /whom the policy does not name/,
    );
  });

  it("is not let in by a bundle about another image", async () => {
    fresh();
    pushBundle(registry, image, await ours.envelope(statement(DIGEST)));
    expect(await check()).toMatch(/what is signed is "sha256:a/);
  });

  it("is let in by annotations below cosign's tag, as version 2 writes them", async () => {
    fresh();
    const payload = simplePayload(image);
    const annotations = await ours.annotations(payload);
    const mediaType = "application/vnd.dev.cosign.simplesigning.v1+json";
    const layer = { mediaType, size: payload.length, digest: pushBlob(registry, payload), annotations };
    registry.manifests.set(`${image.replace(":", "-")}.sig`, jsonBytes({ layers: [layer] }));
    expect(await check()).toMatchObject({ kind: "signed" });
    const { "dev.sigstore.cosign/bundle": _, ...unlogged } = annotations;
    registry.manifests.set(
      `${image.replace(":", "-")}.sig`,
      jsonBytes({ layers: [{ ...layer, annotations: unlogged }] }),
    );
    expect(await check()).toMatch(/not proved/);
  });
});
