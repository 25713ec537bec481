/**
 * What a single executable is made of, as a CycloneDX document.
 * Source: CycloneDX 1.6 JSON schema
 */
import { createHash } from "node:crypto";
import type { BundledPackage } from "./bundled-packages.ts";
import type { PartOfNode } from "./parts-of-node.ts";

export interface Materials {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** Hexadecimal. */
  readonly executableSha256: string;
  readonly commit: string;
  readonly arch: string;
  readonly packages: readonly BundledPackage[];
  /** Names of packages that the program's own manifests ask for. */
  readonly asked: readonly string[];
  readonly node: { readonly version: string; readonly licenseText: string; readonly parts: readonly PartOfNode[] };
}

/** Of packages with several licences: the one that we take. */
const CHOSEN_LICENSES: Readonly<Record<string, string>> = { "node-forge": "BSD-3-Clause" };

/** The same document for the same materials: its serial number is made of them, and it has no time. */
export function billOfMaterials(materials: Materials): object {
  const { name, version, packages, node, commit, executableSha256 } = materials;
  const own = `${name}@${version}`;
  const nodeRef = `node@${node.version}`;
  const asked = packages.filter(
    (one) => materials.asked.includes(one.name) && one.place === `node_modules/${one.name}`,
  );
  const body = {
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": own,
        name,
        version,
        description: materials.description,
        licenses: [{ license: { id: "Apache-2.0" } }],
        hashes: [{ alg: "SHA-256", content: executableSha256 }],
        properties: [
          { name: "rancheros:architecture", value: materials.arch },
          ...(commit === "" ? [] : [{ name: "rancheros:commit", value: commit }]),
        ],
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": nodeRef,
        name: "node",
        version: node.version,
        purl: `pkg:generic/node@${node.version}`,
        licenses: licenses("MIT", node.licenseText),
        components: node.parts.map((part) => ({
          type: "library",
          "bom-ref": `${nodeRef}/${part.name}`,
          name: part.name,
          version: part.version,
          licenses: licenses(part.license, undefined),
        })),
      },
      ...packages.map((one) => ({
        type: "library",
        "bom-ref": one.place,
        name: one.name,
        version: one.version,
        purl: packageUrl(one.name, one.version),
        licenses: licenses(CHOSEN_LICENSES[one.name] ?? one.license, one.licenseText),
        hashes: [{ alg: "SHA-512", content: hexOf(one.integrity) }],
      })),
    ],
    dependencies: [
      { ref: own, dependsOn: [nodeRef, ...asked.map(({ place }) => place)] },
      { ref: nodeRef, dependsOn: [] },
      ...packages.map(({ place, uses }) => ({ ref: place, dependsOn: uses })),
    ],
  };
  const head = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
  };
  return { ...head, serialNumber: serialNumber(body), ...body };
}

/** With several identifiers it is an expression, which has no room for the text. */
function licenses(spdx: string, text: string | undefined): readonly object[] {
  if (/[\s()]/.test(spdx)) return [{ expression: spdx }];
  const content = text === undefined ? {} : { text: { contentType: "text/plain", content: text } };
  return [{ license: { id: spdx, ...content } }];
}

/** Source: package-url specification, type npm */
function packageUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
}

/** Of what a document says: version 8 of RFC 9562, our own bits. */
export function serialNumber(body: object): string {
  const hex = createHash("sha256").update(JSON.stringify(body)).digest("hex");
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
