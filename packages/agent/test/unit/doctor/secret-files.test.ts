/** In which files of a machine its secrets are looked for, on a real disk. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { secretNet } from "../../../src/doctor/archive/secret-net.ts";
import { secretValues } from "../../../src/doctor/archive/secret-values.ts";
import { readSecretFiles } from "../../../src/doctor/io/secret-files.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "secret-files-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** @returns whether one of the files gives the word away */
async function isKnown(word: string): Promise<boolean> {
  const { files } = await readSecretFiles(root, join(root, "state"), []);
  return secretNet(files.flatMap(({ kind, text }) => secretValues(kind, text))).isIn(Buffer.from(`x ${word} y`));
}

const YAML = "token: hunterin\n";
it.each([
  "oem/99_custom.yaml",
  "oem/99_custom.yaml/in-a-folder.yaml",
  "oem/99_custom.yaml.d/a.yaml",
  "oem/userdata",
  "oem/userdata/a.yaml",
  "oem/userdata/B.YML",
  "oem/userdata/a.yaml.d/b.yaml",
  "oem/userdata.d/a.yml",
  "oem/rancher/rancherd/config.yaml.d/a.yaml",
  "usr/share/oem/rancher/rancherd/config.yaml.d/a.yaml",
  "usr/share/rancher/rancherd/config.yaml.d/a.yaml",
  "var/lib/cloud/instance/user-data.txt.d/a.yaml",
  "etc/rancher/rancherd/config.yaml",
  "etc/rancher/rancherd/config.yaml.d/a.yaml",
  "etc/rancher/rancherd/config.yaml.d/a.yaml.d/b.yaml",
  "etc/rancher/k3s/config.yaml.d/a.yaml",
  "usr/share/oem/rancher/rancherd/manifests/a.yaml",
  "etc/rancher/rancherd/manifests/deep/er/a.YAML",
  "oem/rancher/rancherd/manifests/a.yml",
])("secrets of %s are known", async (path) => {
  put(path, YAML);
  expect(await isKnown("hunterin")).toBe(true);
});

it.each([
  ["usr/local/lib/systemd/system/rke2-server.env", "RKE2_TOKEN=hunterin\n"],
  ["usr/local/lib/systemd/system/rke2-agent.env", "RKE2_TOKEN=hunterin\n"],
  ["usr/lib/systemd/system/rke2-server.env", "RKE2_TOKEN=hunterin\n"],
  ["etc/systemd/system/k3s.service.env", "K3S_TOKEN=hunterin\n"],
  ["etc/default/rancherd", "CATTLE_TOKEN=hunterin\n"],
  ["etc/systemd/system/k3s.service.d/10-token.conf", "[Service]\nEnvironment=K3S_TOKEN=hunterin\n"],
  ["etc/systemd/system/k3s.service.d/a.conf", '[Service]\nEnvironment=A=1 "K3S_TOKEN=hunterin" B=2\n'],
  ["etc/systemd/system/k3s.service.d/a.conf", "[Service]\nEnvironment=A=1 \\\n  K3S_TOKEN='hunterin' \\\n  B=2\n"],
  ["etc/systemd/system/ros-agent.service.d/proxy.conf", "[Service]\nEnvironment=HTTPS_PROXY=http://me:hunterin@p:1\n"],
  ["run/systemd/system/k3s-agent.service.d/a.conf", "[Service]\nEnvironment=K3S_TOKEN=hunterin\n"],
  ["etc/systemd/system/service.d/a.conf", "[Service]\nEnvironment=K3S_TOKEN=hunterin\n"],
  ["etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s server -t hunterin --disable traefik\n"],
  ["etc/systemd/system/k3s-agent.service", "[Service]\nExecStart=k3s agent --server https://h:6443 '-t' 'hunterin'\n"],
  ["etc/systemd/system/k3s.service", "[Service]\nExecStart=k3s server -t=hunterin\n"],
  ["etc/systemd/system/k3s.service", "[Service]\nExecStart=-/usr/local/bin/k3s --debug server -agent-token hunterin\n"],
  ["etc/systemd/system/rke2-server.service", "[Service]\nExecStart=/opt/rke2/bin/rke2 server -t hunterin\n"],
  ["etc/systemd/system/k3s.service", "[Service]\nExecStart=/bin/sh -c 'exec k3s server -t hunterin'\n"],
  ["etc/systemd/system/k3s.service", "[Service]\nExecStart=/bin/sh -c \"/usr/bin/k3s agent -t 'hunterin'\"\n"],
  [
    "etc/systemd/system/k3s.service",
    "[Service]\nExecStart=/usr/local/bin/k3s \\\n\tserver \\\n\t'--token' \\\n\t'hunterin' \\\n",
  ],
  ["etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s server '--token=hunterin'\n"],
  ["etc/systemd/system/k3s.service", "[Service]\nExecStart=/bin/sh -c 'exec k3s server --token hunterin'\n"],
  ["etc/systemd/system.conf.d/proxy.conf", "[Manager]\nDefaultEnvironment=HTTPS_PROXY=http://me:hunterin@p:1\n"],
])("secrets of the services in %s are known: %j", async (path, text) => {
  put(path, text);
  expect(await isKnown("hunterin")).toBe(true);
});

it("a secret of several words in a drop-in is known whole", async () => {
  put("etc/systemd/system/k3s.service.d/a.conf", '[Service]\nEnvironment="K3S_TOKEN=correct \\"horse\\" battery"\n');
  expect(await isKnown('correct "horse" battery')).toBe(true);
});

it("what a unit names besides is none", async () => {
  put(
    "etc/systemd/system/k3s.service",
    "[Unit]\nDescription=Lightweight Kubernetes\n[Service]\nType=notify\nExecStart=/usr/local/bin/k3s server --token-file /etc/token --token --disable traefik\n",
  );
  expect(await isKnown("Lightweight notify /usr/local/bin/k3s /etc/token --disable traefik")).toBe(false);
});

it("what follows -t of another program is none", async () => {
  put(
    "etc/systemd/system/k3s.service",
    "[Service]\nExecStartPre=/usr/bin/logger -t k3sunit server k3s\nExecStart=k3s server --token-file k3sunit\n",
  );
  expect(await isKnown("k3sunit enabled")).toBe(false);
});

it("a unit or a drop-in that is masked has no secrets; another device may have", async () => {
  put("etc/systemd/system/k3s.service.d/a.conf", "");
  symlinkSync("/dev/null", join(root, "etc/systemd/system/k3s.service"));
  symlinkSync("/dev/null", join(root, "etc/systemd/system/k3s.service.d/b.conf"));
  symlinkSync("/dev/zero", join(root, "etc/systemd/system/k3s-agent.service"));
  const { files, unread } = await readSecretFiles(root, join(root, "state"), []);
  expect(files.map(({ path }) => path)).toEqual([join(root, "etc/systemd/system/k3s.service.d/a.conf")]);
  expect(unread).toEqual([join(root, "etc/systemd/system/k3s-agent.service")]);
});

it("folders that lead in a circle are read once", async () => {
  put("etc/rancher/rancherd/manifests/a.yaml", YAML);
  symlinkSync(".", join(root, "etc/rancher/rancherd/manifests/one"));
  symlinkSync(".", join(root, "etc/rancher/rancherd/manifests/two"));
  const path = join(root, "etc/rancher/rancherd/manifests/a.yaml");
  expect(await readSecretFiles(root, join(root, "state"), [])).toEqual({
    files: [{ path, kind: "tree", text: YAML }],
    unread: [],
  });
});

it("folders with too much in them, or too deep, and more bytes than it takes are told as not read", async () => {
  for (let at = 0; at < 201; at++) put(`oem/userdata/${at}.yaml`, "");
  const deep = `etc/rancher/rancherd/manifests${"/x".repeat(17)}`;
  put(`${deep}/a.yaml`, YAML);
  put("etc/rancher/rke2/registries.yaml", "x".repeat(5 * 1024 * 1024));
  const large = Array.from({ length: 9 }, (_one, at) => `etc/rancher/rancherd/config.yaml.d/${at}.yaml`);
  for (const path of large) put(path, "x".repeat(4 * 1024 * 1024));
  const { unread } = await readSecretFiles(root, join(root, "state"), []);
  const missing = ["oem/userdata", deep, "etc/rancher/rke2/registries.yaml"].map((path) => join(root, path));
  expect(unread).toEqual(expect.arrayContaining(missing));
  const beyond = unread.filter((path) => !missing.includes(path));
  expect(beyond.every((path) => large.includes(path.slice(root.length + 1)))).toBe(true);
  expect(beyond.length).toBe(1);
});
