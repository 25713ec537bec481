/** The bill of materials has what CycloneDX 1.6 asks for, and names exactly what is inside. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";

import { billOfMaterials, type Materials } from "../../../scripts/binaries/bill-of-materials.ts";
import { bundledPackages } from "../../../scripts/binaries/bundled-packages.ts";
import { partsOfNode } from "../../../scripts/binaries/parts-of-node.ts";

const ROOT = path.join(import.meta.dirname, "../../..");
const FILES = [
  "node_modules/@oclif/core/lib/flags.js",
  "node_modules/@oclif/core/node_modules/supports-color/index.js",
  "node_modules/node-forge/lib/util.js",
  "node_modules/ws/lib/sender.js",
  "node_modules/ws/lib/receiver.js",
  "packages/cli/src/start.ts",
];

interface Component {
  readonly type: string;
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly components?: readonly Component[];
}
interface Document {
  readonly serialNumber: string;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

function materials(): Materials {
  return {
    name: "ros-agent",
    description: "Does it.",
    version: "1.2.3",
    executableSha256: "00".repeat(32),
    commit: "",
    arch: "x64",
    packages: bundledPackages(ROOT, FILES),
    asked: ["@oclif/core", "ws", "undici"],
    node: { version: process.versions.node, licenseText: "text", parts: partsOfNode(process.versions) },
  };
}
const document = billOfMaterials(materials()) as Document;

describe("the bill of materials", () => {
  it("names the packages of which something is inside, wherever they are installed", () => {
    const [, ...packages] = document.components;
    expect(packages.map(({ name }) => name)).toEqual(["@oclif/core", "supports-color", "node-forge", "ws"]);
    const [oclif] = packages;
    expect(oclif?.purl).toBe(`pkg:npm/%40oclif/core@${oclif?.version}`);
    for (const { hashes } of packages) expect(hashes?.[0]?.content).toMatch(/^[0-9a-f]{128}$/);
  });

  it("has for each component what the schema requires, its licence, and a reference of its own", () => {
    const all = document.components.flatMap((one) => [one, ...(one.components ?? [])]);
    for (const { type, name, version, licenses } of all) {
      expect(["application", "library", "platform"]).toContain(type);
      expect(name).not.toBe("");
      expect(version).toMatch(/\d/);
      expect(licenses).toHaveLength(1);
      const [licence] = licenses;
      expect(licence?.license?.id ?? licence?.expression).toMatch(/^[\w.-]+( (OR|AND|WITH) [\w.-]+)*$/);
    }
    const references = all.map((one) => one["bom-ref"]);
    expect(new Set(references).size).toBe(references.length);
    expect(document.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it("takes of several licences the one that the page of dependencies tells", () => {
    const forge = document.components.find(({ name }) => name === "node-forge");
    expect(forge?.licenses[0]?.license?.id).toBe("BSD-3-Clause");
  });

  it("tells who asks for whom, and only of what it names", () => {
    const named = new Set(["ros-agent@1.2.3", ...document.components.map((one) => one["bom-ref"])]);
    const [own] = document.dependencies;
    const node = `node@${process.versions.node}`;
    expect(own).toEqual({ ref: "ros-agent@1.2.3", dependsOn: [node, "node_modules/@oclif/core", "node_modules/ws"] });
    for (const { ref, dependsOn } of document.dependencies)
      for (const one of [ref, ...dependsOn]) expect(named).toContain(one);
    const oclif = document.dependencies.find(({ ref }) => ref === "node_modules/@oclif/core");
    expect(oclif?.dependsOn).toEqual(["node_modules/@oclif/core/node_modules/supports-color"]);
  });

  it("has another serial number for other materials, and the same for the same", () => {
    expect(billOfMaterials(materials())).toEqual(document);
    const other = billOfMaterials({ ...materials(), executableSha256: "11".repeat(32) }) as Document;
    expect(other.serialNumber).not.toBe(document.serialNumber);
  });

  it("is refused where a package or a part of Node is unknown", () => {
    expect(() => bundledPackages(ROOT, ["node_modules/no-such-package/index.js"])).toThrow("no-such-package");
    expect(() => partsOfNode({ node: "26.0.0", "brand-new": "1.0" })).toThrow("brand-new");
  });

  it("is refused where a package is installed in another version than it would name", () => {
    const root = mkdtempSync(path.join(tmpdir(), "old-package-"));
    try {
      mkdirSync(path.join(root, "node_modules/ws"), { recursive: true });
      const put = (name: string, content: object): void =>
        writeFileSync(path.join(root, name), JSON.stringify(content));
      const ws = { version: "8.2.0", integrity: "sha512-AAAA", license: "MIT" };
      put("package-lock.json", { packages: { "node_modules/ws": ws } });
      put("node_modules/ws/package.json", { name: "ws", version: "8.1.0" });
      const said = "node_modules/ws is 8.1.0, and package-lock.json has 8.2.0: scripts/setup npm installs that";
      expect(() => bundledPackages(root, ["node_modules/ws/index.js"])).toThrow(said);
      put("node_modules/ws/package.json", { name: "ws", version: "8.2.0" });
      expect(bundledPackages(root, ["node_modules/ws/index.js"])).toMatchObject([{ name: "ws", version: "8.2.0" }]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
