/** Mirrors of registries: which are asked, in which order, with which account, and what of them is told. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findFreePort } from "../../../../../test/control-plane/free-port.ts";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { pushImage, startRegistry, type TestRegistry } from "../../../../../test/registry/index.ts";
import { failure, image, mirrored, resolve, right } from "./resolving.ts";

const authority = createAuthority("registry test");
const caPem = authority.certificatePem;

let folder: string;
let plain: TestRegistry;
let basic: TestRegistry;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "registry-mirrors-"));
  [plain, basic] = await Promise.all([
    startRegistry({ folder: path.join(folder, "plain") }),
    startRegistry({ folder: path.join(folder, "basic"), tls: authority, auth: "basic" }),
  ]);
});

afterAll(async () => {
  await Promise.all([plain.stop(), basic.stop()]);
  await rm(folder, { recursive: true, force: true });
});

describe("mirrors", () => {
  it("are asked in their order, then the registry: down, without the image, then the one that has it", async () => {
    const digest = await pushImage(plain, "os/mirrored", "v1", image("mirrored"));
    const down = `127.0.0.1:${await findFreePort()}`;
    const mirrors = { "upstream.test": mirrored(`http://${down}`, `http://${plain.host}/os`, `http://${plain.host}`) };
    const resolved = await resolve("upstream.test/os/mirrored:v1", { mirrors });
    expect([resolved.digest, resolved.endpoint]).toEqual([digest, plain.host]);
    const toUpstream = { [plain.host]: mirrored(`http://${down}`) };
    const upstream = await resolve(`${plain.host}/os/mirrored:v1`, { mirrors: toUpstream, insecure: [plain.host] });
    expect(upstream.digest).toBe(digest);
  });

  it("put their path before the repository, and may stand for every registry", async () => {
    const digest = await pushImage(plain, "cache/hub/library/os", "latest", image("prefixed"));
    const mirrors = { "*": mirrored(`http://${plain.host}/cache/hub/`) };
    expect((await resolve("os", { mirrors })).digest).toBe(digest);
  });

  it("that hang leave the registry its share of the time", async () => {
    const hanging = await startRegistry({ folder: path.join(folder, "hanging") });
    hanging.pause();
    const digest = await pushImage(plain, "os/hang", "v1", image("hang"));
    const mirrors = { [plain.host]: mirrored(`http://${hanging.host}`) };
    const options = { mirrors, insecure: [plain.host], deadlineMs: 4_000 };
    expect((await resolve(`${plain.host}/os/hang:v1`, options)).digest).toBe(digest);
    const alone = await failure(`${hanging.host}/os/hang:v1`, { insecure: [hanging.host], deadlineMs: 500 });
    expect([alone.code, alone.failure, alone.retry]).toEqual(["REGISTRY_TIMEOUT", "timeout", "backoff"]);
    hanging.resume();
    await hanging.stop();
  });

  it("are all that is asked where the registry itself is not to be", async () => {
    const down = `127.0.0.1:${await findFreePort()}`;
    const mirrors = { [plain.host]: { ...mirrored(`http://${down}`), upstream: false } };
    const hosts: string[] = [];
    const options = { mirrors, insecure: [plain.host], onRequest: ({ url }: { url: URL }) => hosts.push(url.host) };
    expect((await failure(`${plain.host}/os/hang:v1`, options)).code).toBe("REGISTRY_UNREACHABLE");
    expect(hosts).toEqual([down]);
  });

  it("never get the account of the registry that they stand for, and have their own", async () => {
    const digest = await pushImage(basic, "os/base", "v1", image("basic"));
    const mirrors = { "upstream.test": { ...mirrored(`https://${basic.host}`), upstream: false } };
    const name = "upstream.test/os/base:v1";
    const error = await failure(name, { caPem, mirrors, credentials: [right("upstream.test")] });
    expect(error.message).toContain("no pull secret has one for it");
    expect((await resolve(name, { caPem, mirrors, credentials: [right(basic.host)] })).digest).toBe(digest);
  });

  it("that fetch from the registry themselves give the registry's digest", async () => {
    const digest = await pushImage(plain, "os/through", "v1", image("through"));
    const through = await startRegistry({ folder: path.join(folder, "through"), mirrorOf: plain.url });
    const mirrors = { "upstream.test": mirrored(through.url) };
    const resolved = await resolve("upstream.test/os/through:v1", { mirrors });
    await through.stop();
    expect([resolved.digest, resolved.endpoint]).toEqual([digest, through.host]);
  });

  it("tell in one sentence what each of them said", async () => {
    const down = `127.0.0.1:${await findFreePort()}`;
    const mirrors = { [plain.host]: mirrored(`http://${down}`) };
    const error = await failure(`${plain.host}/os/none:v1`, { mirrors, insecure: [plain.host] });
    expect(error.code).toBe("REGISTRY_NOT_FOUND");
    expect(error.message).toContain("has no such image");
    expect(error.message).toContain(`mirror ${down}: nothing listens there`);
    expect(error.details["endpoints"]).toBe(`${down},${plain.host}`);
  });
});
