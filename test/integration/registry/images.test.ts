/** The images that tests make are images to other programs too: skopeo fetches them, umoci unpacks them. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthority } from "../../registration/authority.ts";
import {
  buildIndex,
  buildOsImage,
  imageReference,
  ociArchive,
  pushImage,
  REGISTRY_ACCOUNT,
  startRegistry,
  startTokenServer,
  type TestRegistry,
  type TokenServer,
} from "../../registry/index.ts";

const run = promisify(execFile);
const RELEASE = "IMAGE=rancher/os2:v1\n";
const image = buildOsImage({ release: RELEASE, upgradeScript: "#!/bin/sh\nexit 0\n" });

let folder: string;
let open: TestRegistry;
let closed: TestRegistry;
let tokens: TokenServer;
const tls = createAuthority("registry test");

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "registry-images-"));
  tokens = await startTokenServer();
  [open, closed] = await Promise.all([
    startRegistry({ folder: path.join(folder, "open") }),
    startRegistry({ folder: path.join(folder, "closed"), tls, auth: tokens }),
  ]);
});

afterAll(async () => {
  await Promise.all([open.stop(), closed.stop(), tokens.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** skopeo and umoci with a home of their own, past every proxy. */
async function outside(program: string, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, XDG_RUNTIME_DIR: folder };
  const { stdout } = await run(program, [...args], { env, timeout: 50_000 });
  return stdout;
}

async function expectUnpacked(layout: string): Promise<void> {
  const bundle = `${layout}-bundle`;
  await outside("umoci", "unpack", "--rootless", "--image", layout, bundle);
  const root = path.join(bundle, "rootfs");
  expect(await readFile(path.join(root, "usr/lib/rancheros-release"), "utf8")).toBe(RELEASE);
  expect((await stat(path.join(root, "usr/sbin/suc-upgrade"))).mode & 0o777).toBe(0o755);
  expect(await readlink(path.join(root, "bin/sh"))).toBe("busybox");
  expect(await readFile(path.join(root, "bin/busybox"))).toEqual(await readFile("/bin/busybox"));
}

describe("an image that was pushed", () => {
  it("is copied by skopeo with the same digest, and unpacked by umoci", async () => {
    const digest = await pushImage(open, "rancher/os2", "v1", image);
    const source = `docker://${imageReference(open, "rancher/os2", "v1")}`;
    expect(await outside("skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", source)).toBe(
      `${digest}\n`,
    );
    const layout = path.join(folder, "copied");
    const policy = ["--insecure-policy", "copy", "--src-tls-verify=false"];
    await outside("skopeo", ...policy, source, `oci:${layout}:v1`);
    await expectUnpacked(`${layout}:v1`);
  });

  it("is fetched through TLS with a token, and through nothing less", async () => {
    await pushImage(closed, "os/closed", "v1", image);
    const certificates = path.join(folder, "certificates");
    await run("mkdir", ["-p", certificates]);
    await writeFile(path.join(certificates, "ca.crt"), tls.certificatePem);
    const source = `docker://${imageReference(closed, "os/closed", "v1")}`;
    const inspect = ["inspect", `--cert-dir=${certificates}`, "--format={{.Digest}}"];
    const { username, password } = REGISTRY_ACCOUNT;
    expect(await outside("skopeo", ...inspect, `--creds=${username}:${password}`, source)).toBe(
      `${image.descriptor.digest}\n`,
    );
    await expect(outside("skopeo", ...inspect, `--creds=${username}:wrong`, source)).rejects.toThrow(/password/);
    await expect(outside("skopeo", ...inspect, "--no-creds", source)).rejects.toThrow(/401|password/);
  });

  it("is still there after the registry was killed and started again", async () => {
    const digest = await pushImage(open, "os/kept", "v1", image);
    await open.kill();
    const source = `docker://${imageReference(open, "os/kept", "v1")}`;
    const inspect = ["inspect", "--tls-verify=false", "--format={{.Digest}}", source];
    await expect(outside("skopeo", ...inspect)).rejects.toThrow(/refused/);
    await open.start();
    expect(await outside("skopeo", ...inspect)).toBe(`${digest}\n`);
  });

  it("is one of several platforms in an index, in both formats", async () => {
    for (const format of ["oci", "docker"] as const) {
      const release = "IMAGE=x\n";
      const upgradeScript = undefined;
      const images = ["amd64", "arm64"].map((architecture) =>
        buildOsImage({ release, upgradeScript, format, platform: { os: "linux", architecture } }),
      );
      await pushImage(open, `os/${format}`, "both", buildIndex(images, format));
      const source = `docker://${imageReference(open, `os/${format}`, "both")}`;
      const inspect = ["--override-arch=arm64", "inspect", "--tls-verify=false", "--format={{.Architecture}}", source];
      expect(await outside("skopeo", ...inspect)).toBe("arm64\n");
    }
  });
});

it("writes archives that skopeo reads", async () => {
  const archive = path.join(folder, "image.tar");
  await writeFile(archive, ociArchive(image, "registry.test/rancher/os2:v1"));
  const layout = path.join(folder, "from-archive");
  await outside("skopeo", "--insecure-policy", "copy", `oci-archive:${archive}:v1`, `oci:${layout}:v1`);
  await expectUnpacked(`${layout}:v1`);
});
