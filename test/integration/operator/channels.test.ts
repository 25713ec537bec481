/** Channels of OS versions: lists from real HTTPS servers, tags from a real registry. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { syncedOf, testChannels } from "../../operator/channels.ts";
import { eventually, listObjects, patchObject, removeObject } from "../../operator/objects.ts";
import { readSamples } from "../../operator/read-samples.ts";
import { conditionOf, rolloutImages } from "../../operator/rollout-images.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createAuthority } from "../../registration/authority.ts";
import { buildOsImage, pushImage, REGISTRY_ACCOUNT, startRegistry, type TestRegistry } from "../../registry/index.ts";
import { startStrangeServer, type StrangeServer } from "../../registry/strange-server.ts";

const target = inject("controlPlane");
const authority = createAuthority("channels");
const registryAuthority = createAuthority("registry of channels");
const certificate = authority.issue({ names: ["127.0.0.1"] });
const folder = mkdtempSync(path.join(tmpdir(), "channels-ca-"));
const registryCa = path.join(folder, "registry-ca.pem");
writeFileSync(registryCa, registryAuthority.certificatePem);
const used = useOperator(target, "channels", {
  flags: [`--registry-ca=${registryCa}`],
});
const { namespace } = used;
const channels = testChannels(target, namespace);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
let answer: Answer = (_, response) => response.end("[]");
let server: StrangeServer;
let plain: StrangeServer;

function entry(name: string, version: string, more: object = {}): object {
  return {
    metadata: { name },
    spec: { version, metadata: { upgradeImage: `registry.example.com/os:${version}` }, ...more },
  };
}

function list(entries: readonly object[], etag?: string): Answer {
  return (request, response) => {
    if (etag !== undefined) response.setHeader("etag", etag);
    if (etag !== undefined && request.headers["if-none-match"] === etag) response.writeHead(304).end();
    else response.setHeader("content-type", "application/json").end(JSON.stringify(entries));
  };
}

const json = (more: object = {}): object => ({
  type: "json",
  options: { uri: `https://${server.host}/list.json`, caBundle: authority.certificatePem, ...more },
});

async function names(): Promise<readonly string[]> {
  return [...(await channels.versions()).keys()].sort();
}

beforeAll(async () => {
  server = await startStrangeServer((request, response) => answer(request, response), certificate);
  plain = await startStrangeServer(list([entry("plain", "1.0.0")]));
});
afterAll(async () => {
  await server.stop();
  await plain.stop();
  rmSync(folder, { recursive: true });
});

describe("a channel of type json", () => {
  it("makes its versions, and says so", async () => {
    answer = list([entry("a-v1", "v1.0.0"), entry("A_V2!", "v2.0.0", { minVersion: "v1.0.0" })], '"one"');
    await applyObjects(target, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "login", namespace },
      stringData: { username: "me", password: "a-password-nobody-sees" },
    });
    await channels.make("list", json({ secretName: "login" }));
    expect(await channels.tried("list")).toMatchObject({ status: "True", reason: "Synchronized" });
    expect(await names()).toEqual(["a-v1", expect.stringMatching(/^a-v2-[0-9a-f]{8}$/)]);
    expect(server.requests[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from("me:a-password-nobody-sees").toString("base64")}`,
    );
    expect(await channels.statusOf("list")).toMatchObject({
      versions: 2,
      skipped: 0,
      failedSynchronizationAttempts: 0,
    });
    const shown = await kubectl(target, ["get", "mosvc", "list", "-n", namespace]);
    expect(shown).toMatch(/TYPE +SYNCED +REASON +VERSIONS +LAST-SYNC +AGE\nlist +json +True +Synchronized +2/);
    await kubectl(target, ["wait", "--for=condition=Usable", "mosv/a-v1", "-n", namespace, "--timeout=15s"]);
    await kubectl(target, ["wait", "--for=condition=InSync", "mosv/a-v1", "-n", namespace, "--timeout=15s"]);
  });

  it("asks only whether the list has changed, and undoes what somebody changed by hand all the same", async () => {
    const before = server.requests.length;
    await patchObject(target, "mosv", namespace, "a-v1", { spec: { version: "v9.9.9" } });
    await channels.request("list");
    expect(server.requests.slice(before).map(({ headers }) => headers["if-none-match"])).toEqual(['"one"']);
    expect((await channels.versions()).get("a-v1")?.spec["version"]).toBe("v1.0.0");
  });

  it("marks what is gone, and deletes it only where it is told to and no image names it", async () => {
    answer = list([entry("a-v1", "v1.0.0"), entry("a-v3", "v3.0.0"), entry("a-v4", "v4.0.0")]);
    await channels.request("list");
    answer = list([entry("a-v1", "v1.0.0")]);
    await channels.request("list");
    expect((await names()).length).toBe(4);
    const marked = (await channels.versions()).get("a-v3")?.metadata.annotations;
    expect(marked?.["rancheros.cattle.io/channel-no-longer-in-sync"]).toBe("true");
    await kubectl(target, ["wait", "--for=condition=InSync=false", "mosv/a-v3", "-n", namespace, "--timeout=15s"]);
    await applyObjects(target, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "ManagedOSImage",
      metadata: { name: "keeps", namespace },
      spec: { managedOSVersionName: "a-v3", suspend: true },
    });
    const since = await channels.statusOf("list");
    await channels.change("list", { deleteNoLongerInSyncVersions: true });
    expect((await channels.tried("list", since)).reason).toBe("Synchronized");
    expect(await names()).toEqual(["a-v1", "a-v3"]);
    expect(await channels.statusOf("list")).toMatchObject({ versions: 1, outOfSync: 1 });
  });

  it("neither marks nor deletes a version whose entry cannot be read for once", async () => {
    answer = list([entry("a-v1", "v1.0.0"), entry("a-v5", "v5.0.0")]);
    await channels.request("list");
    const before = (await channels.versions()).get("a-v5")?.metadata;
    answer = list([entry("a-v1", "v1.0.0"), { ...entry("a-v5", "v5.0.0"), spec: { version: "five" } }]);
    await channels.request("list");
    expect(syncedOf(await channels.statusOf("list"))?.message).toContain('"a-v5": spec');
    const after = (await channels.versions()).get("a-v5")?.metadata;
    expect([after?.uid, after?.annotations]).toEqual([before?.uid, before?.annotations]);
    answer = list([entry("a-v1", "v1.0.0")]);
    await channels.request("list");
    expect(await names()).toEqual(["a-v1", "a-v3"]);
  });

  it("takes no entry that is none, no name that is another's, and says so", async () => {
    await applyObjects(target, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "ManagedOSVersion",
      metadata: { name: "mine", namespace },
      spec: { version: "v7.0.0", metadata: { upgradeImage: "mine:v7" } },
    });
    const twice = entry("a-v1", "v1.0.1");
    answer = list([entry("a-v1", "v1.0.0"), twice, entry("bad", "latest"), entry("mine", "v8.0.0"), { spec: {} }]);
    await channels.request("list");
    const status = await channels.statusOf("list");
    expect(status).toMatchObject({ versions: 1, skipped: 4 });
    const { message = "" } = syncedOf(status) ?? {};
    expect(message).toContain('"a-v1": is there twice');
    expect(message).toContain('"bad": spec.version: "latest" is no semantic version');
    expect(message).toContain("entry 5: metadata.name: is missing");
    expect(message).toContain("mine: there is a ManagedOSVersion of this name that is not the channel's");
    expect((await channels.versions()).get("mine")?.spec["version"]).toBe("v7.0.0");
  });

  it("is bounded: of 10,000 versions the newest are taken", async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => entry(`many-${index}`, `v1.${index}.0`));
    answer = list(many);
    await channels.make("many", json({ maxVersions: 3 }));
    expect(await channels.tried("many")).toMatchObject({ reason: "Synchronized" });
    expect((await names()).filter((one) => one.startsWith("many-"))).toEqual(["many-9997", "many-9998", "many-9999"]);
    expect(await channels.statusOf("many")).toMatchObject({ versions: 3, skipped: 9_997 });
    await removeObject(target, "mosvc", namespace, "many");
  });
});

describe("a server of a channel that is no good", () => {
  const endless: Answer = (_, response) => {
    const piece = Buffer.alloc(64 * 1024, " ");
    let bytes = 0;
    const more = (): void => {
      while (!response.destroyed && (bytes += piece.length) < 100_000_000 && response.write(piece));
      if (!response.destroyed && bytes < 100_000_000) response.once("drain", more);
      else response.end();
    };
    more();
  };
  const to =
    (location: () => string): Answer =>
    (_, response) =>
      response.writeHead(302, { location: location() }).end();

  it.each<[string, Answer, RegExp]>([
    [
      "gives a page",
      (_, response) => response.end("<!DOCTYPE html><p>Login"),
      /^CHANNEL_NONSENSE: .*a web page instead/,
    ],
    ["gives 100 MB", endless, /^CHANNEL_NONSENSE: .*more than 4194304 bytes/],
    ["gives nothing", () => undefined, /^CHANNEL_TIMEOUT: /],
    ["gives half of it", (_, response) => response.write("[") && undefined, /^CHANNEL_TIMEOUT: /],
    ["redirects in a circle", to(() => "/list.json"), /^CHANNEL_REDIRECTS: .*more than 5 times/],
    ["redirects away from TLS", to(() => `http://${plain.host}/`), /^CHANNEL_REDIRECTS: .*redirects to http:\/\//],
    ["redirects to a file", to(() => "file:///etc/passwd"), /^CHANNEL_REDIRECTS: /],
    ["gives an empty list", list([]), /^CHANNEL_EMPTY: .*it has none/],
    ["gives no version at all", list([entry("x", "latest")]), /^CHANNEL_EMPTY: .*"x": spec.version/],
    ["refuses", (_, response) => response.writeHead(403).end("no"), /^CHANNEL_REFUSED: .*HTTP 403/],
    ["is in trouble", (_, response) => response.writeHead(500).end(), /^CHANNEL_BUSY: .*HTTP 500/],
  ])("that %s changes no version, and the reason is said", async (what, bad, sentence) => {
    const before = await names();
    answer = bad;
    const name = `bad-${what.toLowerCase().replaceAll(/[^a-z0-9]/g, "-")}`;
    await channels.make(name, { ...json({ timeout: "1s" }), deleteNoLongerInSyncVersions: true });
    const synced = await channels.tried(name);
    expect(synced).toMatchObject({ status: "False", reason: "FailedToSync" });
    expect(synced.message).toMatch(sentence);
    expect((await channels.statusOf(name))["failedSynchronizationAttempts"]).toBeGreaterThan(0);
    expect(await names()).toEqual(before);
    await removeObject(target, "mosvc", namespace, name);
  });

  it("that nobody vouches for gets no password", async () => {
    answer = list([entry("x", "1.0.0")]);
    const before = server.requests.length;
    await channels.make("untrusted", json({ secretName: "login", caBundle: createAuthority("other").certificatePem }));
    expect((await channels.tried("untrusted")).message).toMatch(/^CHANNEL_UNTRUSTED: /);
    expect(server.requests.length).toBe(before);
  });

  it("is told in an Event, and its password stands nowhere", async () => {
    const events = await eventually(async () => {
      const text = JSON.stringify(await listObjects(target, "events.events.k8s.io", namespace));
      return text.includes("CHANNEL_UNTRUSTED") ? text : undefined;
    }, "the Event");
    expect(events).not.toContain("a-password-nobody-sees");
    expect(used.operator.log()).not.toContain("a-password-nobody-sees");
  });

  it.each<[string, () => object, RegExp]>([
    [
      "a password in the address",
      () => json({ uri: `https://me:x@${server.host}/` }),
      /options.uri: has a password in it/,
    ],
    ["a Secret without TLS", () => json({ uri: `http://${plain.host}/`, secretName: "login" }), /not sent without TLS/],
    ["another scheme", () => json({ uri: "ftp://example.com/" }), /options.uri: is no http or https address/],
    ["a CA that is none", () => json({ caBundle: "x" }), /options.caBundle: /],
    [
      "a range that is none",
      () => ({ type: "oci", options: { repository: "a/b", range: "newest" } }),
      /options.range: "newest"/,
    ],
  ])("is not asked where the channel has %s", async (_, spec, sentence) => {
    const before = server.requests.length + plain.requests.length;
    const since = await channels.statusOf("untrusted");
    await channels.change("untrusted", { ...spec() });
    const synced = await channels.tried("untrusted", since);
    expect(synced).toMatchObject({ status: "False", reason: "InvalidConfiguration" });
    expect(synced.message).toMatch(sentence);
    expect(server.requests.length + plain.requests.length).toBe(before);
  });

  it("is not asked before the Secret is there that the channel names", async () => {
    const before = server.requests.length;
    answer = list([entry("x", "1.0.0")]);
    await channels.make("without-secret", json({ secretName: "comes-later" }));
    expect(await channels.tried("without-secret")).toMatchObject({
      status: "False",
      message: expect.stringMatching(/^CHANNEL_SECRET: Secret \S+\/comes-later: /) as string,
    });
    expect(server.requests.length).toBe(before);
    const metadata = { name: "comes-later", namespace };
    await applyObjects(target, { apiVersion: "v1", kind: "Secret", metadata, stringData: { token: "t" } });
    await channels.request("without-secret");
    expect(syncedOf(await channels.statusOf("without-secret"))).toMatchObject({ reason: "Synchronized" });
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer t");
    await kubectl(target, ["delete", "mosvc", "without-secret", "-n", namespace]);
  });

  it("is not asked while the channel is off", async () => {
    const since = await channels.statusOf("untrusted");
    await channels.change("untrusted", { enabled: false });
    expect(await channels.tried("untrusted", since)).toMatchObject({ status: "False", reason: "ChannelDisabled" });
  });
});

it("channels are shown to who watches the operator: how many are read, since when, and what they have", async () => {
  interface Listed {
    readonly items: readonly {
      readonly spec: { readonly enabled?: boolean };
      readonly status?: Readonly<Record<string, unknown>>;
    }[];
  }
  const stored = JSON.parse(await kubectl(target, ["get", "mosvc", "-n", namespace, "-o", "json"])) as Listed;
  const on = stored.items.filter(({ spec }) => spec.enabled !== false);
  const synced = on.filter(({ status }) => syncedOf(status)?.status === "True");
  const valueOf = async (name: string, label?: string): Promise<number | undefined> =>
    (await readSamples(used.operator.healthUrl)).find(
      (one) => one.name === name && (label === undefined || Object.values(one.labels).includes(label)),
    )?.value;
  expect(synced.length).toBeGreaterThan(0);
  await eventually(
    async () => ((await valueOf("rancheros_channels", "synced")) === synced.length ? true : undefined),
    "the channels that were read",
  );
  expect(await valueOf("rancheros_channels", "off")).toBe(stored.items.length - on.length);
  expect(await valueOf("rancheros_channel_syncs_total", "failed")).toBeGreaterThan(0);
  expect(await valueOf("rancheros_channel_syncs_total", "synced")).toBeGreaterThan(0);
  expect(await valueOf("rancheros_channel_overdue_seconds")).toBe(0);
  const oldest = Math.min(...synced.map(({ status }) => Date.parse(String(status?.["lastSyncedTime"]))));
  expect(await valueOf("rancheros_channel_age_seconds")).toBeGreaterThanOrEqual((Date.now() - oldest) / 1_000 - 10);
  const states = ["usable", "unusable", "out_of_sync"];
  const counted = await Promise.all(states.map((state) => valueOf("rancheros_versions", state)));
  expect(counted.reduce<number>((sum, one) => sum + (one ?? 0), 0)).toBe((await channels.versions()).size);
});

describe("a channel of type oci, and an image that names its version", () => {
  const images = rolloutImages(target, namespace);
  let registry: TestRegistry;
  let digest: string;

  beforeAll(async () => {
    registry = await startRegistry({ folder: path.join(folder, "registry"), auth: "basic", tls: registryAuthority });
    const image = buildOsImage({ release: "IMAGE=os\n", upgradeScript: "#!/bin/sh\n" });
    for (const tag of ["latest", "v1.0.0", "v1.1.0", "v1.2.0-rc1", "v2.0.0"]) {
      digest = await pushImage(registry, "os", tag, image);
    }
    await applyObjects(target, {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/dockerconfigjson",
      metadata: { name: "pull", namespace },
      stringData: { ".dockerconfigjson": JSON.stringify({ auths: { [registry.host]: REGISTRY_ACCOUNT } }) },
    });
  });
  afterAll(() => registry.stop());

  it("needs the account that the registry asks for", async () => {
    await channels.make("tags", { type: "oci", options: { repository: `${registry.host}/os`, range: "^1.0.0" } });
    expect((await channels.tried("tags")).message).toMatch(/^REGISTRY_REFUSED: /);
  });

  it("has the tags that are versions in the range", async () => {
    const since = await channels.statusOf("tags");
    await channels.change("tags", { options: { minVersion: "v0.9.0", imagePullSecrets: [{ name: "pull" }] } });
    expect(await channels.tried("tags", since)).toMatchObject({ status: "True", reason: "Synchronized" });
    expect((await names()).filter((one) => one.startsWith("tags-"))).toEqual(["tags-v1.0.0", "tags-v1.1.0"]);
    const upgradeImage = `${registry.host}/os:v1.1.0`;
    expect((await channels.versions()).get("tags-v1.1.0")?.spec).toEqual({
      version: "v1.1.0",
      type: "container",
      minVersion: "v0.9.0",
      metadata: { upgradeImage, displayName: "v1.1.0" },
    });
  });

  it("gives an image its osImage, which is resolved", async () => {
    await images.make("named", {
      managedOSVersionName: "tags-v1.1.0",
      targets: [{ clusterSelector: {} }],
      imagePullSecrets: [{ name: "pull" }],
    });
    const status = await images.until("named", "resolved", (one) => one.digest !== undefined);
    expect(status).toMatchObject({
      digest,
      resolvedImage: `${registry.host}/os:v1.1.0`,
      version: { name: "tags-v1.1.0", spec: { version: "v1.1.0", minVersion: "v0.9.0" } },
    });
  });

  it("keeps the image going where somebody deletes the version", async () => {
    await channels.change("tags", { enabled: false });
    await removeObject(target, "mosv", namespace, "tags-v1.1.0");
    await images.change("named", { concurrency: 2 });
    await images.until("named", "looked at again", (one) => one.observedGeneration === 2);
    expect(conditionOf(await images.status("named"), "Invalid")).toMatchObject({ status: "False" });
  });

  it("leaves an image invalid whose version is missing, until it comes", async () => {
    await images.make("early", {
      managedOSVersionName: "comes-later",
      targets: [{ clusterSelector: {} }],
      imagePullSecrets: [{ name: "pull" }],
    });
    const invalid = await images.until("early", "invalid", ({ state }) => state === "Invalid");
    expect(invalid.message).toBe(`spec.managedOSVersionName: there is no ManagedOSVersion ${namespace}/comes-later`);
    await applyObjects(target, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "ManagedOSVersion",
      metadata: { name: "comes-later", namespace },
      spec: { version: "v2.0.0", metadata: { upgradeImage: `${registry.host}/os:v2.0.0` } },
    });
    await images.until("early", "resolved", (one) => one.digest === digest && one.state !== "Invalid");
  });
});
