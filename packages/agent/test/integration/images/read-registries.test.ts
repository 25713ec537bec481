/** Which registries.yaml counts, and what is said of one that is missing or broken. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";

import { nodeRegistries } from "@rancheros/agent/upgrade";

const hostRoot = mkdtempSync(path.join(tmpdir(), "registries-"));
afterAll(() => rmSync(hostRoot, { recursive: true }));

function file(name: string, content: string): string {
  const place = path.join(hostRoot, name);
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, content);
  return place;
}

const mirrorOf = (host: string): string => `mirrors: {"${host}": {endpoint: ["https://mirror"]}}\n`;
const hosts = async (registriesPath?: string) => [
  ...(await nodeRegistries({ hostRoot, registriesPath })).mirrors.keys(),
];

it("is RKE2's, else that of k3s, else none", async () => {
  expect(await hosts()).toEqual([]);
  file("etc/rancher/k3s/registries.yaml", mirrorOf("k3s"));
  expect(await hosts()).toEqual(["k3s"]);
  file("etc/rancher/rke2/registries.yaml", mirrorOf("rke2"));
  expect(await hosts()).toEqual(["rke2"]);
  expect(await hosts(file("own.yaml", mirrorOf("own")))).toEqual(["own"]);
});

it("is not none where it was named and is not there", async () => {
  const missing = path.join(hostRoot, "missing.yaml");
  await expect(hosts(missing)).rejects.toMatchObject({
    code: "IMAGE_REGISTRIES_INVALID",
    message: `${missing} cannot be read: there is no such file`,
  });
});

it("is named by its path where it is broken", async () => {
  const broken = file("broken.yaml", "mirrors: 7\n");
  await expect(hosts(broken)).rejects.toMatchObject({
    code: "IMAGE_REGISTRIES_INVALID",
    message: `${broken}: mirrors: is not a table of names and values`,
  });
});
