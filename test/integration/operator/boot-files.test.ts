/** Machines boot from the network through a real operator, which takes the files out of a real registry. */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { useNamespace } from "../../control-plane/namespace.ts";
import { eventually, makeRegistration, type MadeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { startRegistry, type TestRegistry } from "../../registry/index.ts";
import { keySigner, pushSignatures, simpleSigning } from "../../sigstore/index.ts";

const PUSH_MEDIA = path.resolve(import.meta.dirname, "../../../scripts/push-media");
const controlPlane = inject("controlPlane");
const namespace = useNamespace(controlPlane, "boot-files");
const folder = mkdtempSync(path.join(tmpdir(), "boot-files-"));
const media = path.join(folder, "media");
/** The last one is more than fits into a piece of a stream. */
const FILES = { kernel: randomBytes(3_000), initrd: randomBytes(2_000), "root.squashfs": randomBytes(700_000) };

const ours = keySigner();

/** The log comes through a pipe, and may come after the answer. */
function logged(text: string): Promise<true> {
  return eventually(() => Promise.resolve(operator.log().includes(text) || undefined), `${text} in the log`);
}

let registry: TestRegistry;
let operator: OperatorProcess;
let door: MadeRegistration;

function fetchFile(name: string, init: RequestInit = {}, token = door.token): Promise<Response> {
  return fetch(`${operator.httpUrl}/boot/${token}/${name}`, { ...init, signal: AbortSignal.timeout(20_000) });
}

/** @returns the digest */
async function pushMedia(image: string): Promise<string> {
  const { stdout } = await promisify(execFile)(PUSH_MEDIA, [media, image, "--dest-tls-verify=false"]);
  expect(stdout).toMatch(/^.*@sha256:[0-9a-f]{64}\n$/);
  expect(stdout.startsWith(image.replace(/:v1$/, "@"))).toBe(true);
  return stdout.trim().replace(/^.*@/, "");
}

beforeAll(async () => {
  registry = await startRegistry({ folder: path.join(folder, "registry") });
  mkdirSync(media);
  for (const [name, content] of Object.entries(FILES))
    writeFileSync(path.join(media, name.replace("root.", "")), content);
  const image = `${registry.host}/os/boot:v1`;
  await pushMedia(image);
  const policy = path.join(folder, "policy.yaml");
  const rules = [
    { images: ["**/warned"], mode: "warn", require: [{ publicKey: ours.pem }] },
    { images: ["**/os/boot"], mode: "ignore" },
    { images: ["**"], require: [{ publicKey: ours.pem }] },
  ];
  writeFileSync(policy, JSON.stringify(rules));
  operator = await startOperator({
    folder,
    kubeconfigPath: controlPlane.kubeconfigPath,
    namespace,
    watchNamespace: namespace,
    flags: [`--insecure-registry=${registry.host}`, `--image-policy=${policy}`],
  });
  door = await makeRegistration(controlPlane, namespace, "with-media", {
    boot: { media: image, kernelArguments: "console=ttyS0" },
  });
});

afterAll(async () => {
  await operator.stop();
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("the files of a registration with boot media", () => {
  it("are named by a script for iPXE, at the address by which the machine came", async () => {
    const script = await (await fetchFile("ipxe")).text();
    const base = `${operator.httpUrl}/boot/${door.token}`;
    expect(script).toMatch(/^#!ipxe\n/);
    expect(script).toContain(`kernel ${base}/kernel `);
    expect(script).toContain(` fetch=${base}/root.squashfs `);
    expect(script).toContain(" console=ttyS0 ");
  });

  it("tell the machine where to register, and whom to trust", async () => {
    const config = await (await fetchFile("config")).text();
    expect(config).toMatch(/^#cloud-config\n/);
    expect(config).toContain(`registrationURL: ${door.url}`);
    expect(config).toContain("-----BEGIN CERTIFICATE-----");
  });

  it.each(Object.entries(FILES))("%s comes as it was pushed, whole and in parts", async (name, content) => {
    const whole = await fetchFile(name);
    expect(whole.status).toBe(200);
    expect(whole.headers.get("content-length")).toBe(String(content.length));
    expect(whole.headers.get("etag")).toBe(`"sha256:${createHash("sha256").update(content).digest("hex")}"`);
    expect(Buffer.from(await whole.arrayBuffer()).equals(content)).toBe(true);
    const part = await fetchFile(name, { headers: { range: "bytes=1000-1499" } });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes 1000-1499/${content.length}`);
    expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(1000, 1500))).toBe(true);
    const head = await fetchFile(name, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(content.length)]);
    const behind = await fetchFile(name, { headers: { range: `bytes=${content.length}-` } });
    expect([behind.status, behind.headers.get("content-range")]).toEqual([416, `bytes */${content.length}`]);
  });

  it("are nobody's who does not know the token, and only to be read", async () => {
    for (const token of ["unknown", "a".repeat(54), "..%2f"]) {
      expect((await fetchFile("ipxe", {}, token)).status).toBe(404);
    }
    expect((await fetchFile("other")).status).toBe(404);
    expect((await fetchFile("kernel", { method: "DELETE" })).status).toBe(405);
  });

  it("come back after the registry was away", async () => {
    await registry.kill();
    const away = await fetchFile("kernel", { headers: { range: "bytes=0-1" } });
    expect(away.status).toBe(503);
    expect(Number(away.headers.get("retry-after"))).toBeGreaterThan(0);
    await registry.start();
    expect((await fetchFile("kernel")).status).toBe(200);
  });
});

describe("a registration", () => {
  it("without boot media has no files, and says so in the log", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "without-media");
    expect((await fetchFile("ipxe", {}, token)).status).toBe(404);
    expect((await fetchFile("kernel", {}, token)).status).toBe(404);
    await logged("BOOT_MEDIA_NOT_SET");
  });

  it("that is switched off gives nothing out", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "disabled", { disabled: true });
    expect((await fetchFile("ipxe", {}, token)).status).toBe(404);
  });

  it("takes no kernel arguments of several lines", async () => {
    const spec = { boot: { kernelArguments: "quiet\nshell" } };
    await expect(makeRegistration(controlPlane, namespace, "lines", spec)).rejects.toThrow(/kernelArguments/);
  });
});

describe("media that the policy wants signed", () => {
  it("are served to nobody, with the reason, until one whom it names has signed them", async () => {
    const repository = "signed/boot";
    const name = `${registry.host}/${repository}`;
    const digest = await pushMedia(`${name}:v1`);
    const { token } = await makeRegistration(controlPlane, namespace, "signed", { boot: { media: `${name}:v1` } });
    for (const file of Object.keys(FILES)) {
      const refused = await fetchFile(file, {}, token);
      expect([refused.status, await refused.text()]).toEqual([404, expect.stringContaining("is not signed")]);
    }
    await logged("SIGNATURE_MISSING");
    await pushSignatures(registry, repository, digest, [simpleSigning(keySigner(), name, digest)]);
    expect((await fetchFile("kernel", {}, token)).status).toBe(404);
    await pushSignatures(registry, repository, digest, [simpleSigning(ours, name, digest)]);
    const served = await fetchFile("kernel", {}, token);
    expect(Buffer.from(await served.arrayBuffer()).equals(FILES.kernel)).toBe(true);
  });

  it("are served without a signature where it only warns, which the log says", async () => {
    const image = `${registry.host}/warned:v1`;
    await pushMedia(image);
    const { token } = await makeRegistration(controlPlane, namespace, "warned", { boot: { media: image } });
    expect((await fetchFile("kernel", {}, token)).status).toBe(200);
    await logged("boot media without a trusted signature");
  });
});

it("Bytes that are not those of the digest never become a whole file", async () => {
  const digest = createHash("sha256").update(FILES["root.squashfs"]).digest("hex");
  const blob = path.join(
    folder,
    "registry/storage/docker/registry/v2/blobs/sha256",
    digest.slice(0, 2),
    digest,
    "data",
  );
  const broken = Buffer.from(FILES["root.squashfs"]);
  broken[650_000] = (broken[650_000] ?? 0) ^ 1;
  writeFileSync(blob, broken);
  const answer = await fetchFile("root.squashfs");
  await expect(answer.arrayBuffer()).rejects.toThrow();
  await logged("BOOT_MEDIA_BROKEN");
});
