/** The bill of materials of the image: the operator's, and the Debian packages of which something is inside. */
import { serialNumber } from "../binaries/bill-of-materials.ts";
import type { DebianPackage } from "./shared-libraries.ts";

interface OperatorMaterials {
  readonly $schema: string;
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: {
    readonly component: {
      readonly "bom-ref": string;
      readonly name: string;
      readonly version: string;
      readonly description: string;
      readonly properties: readonly { readonly name: string; readonly value: string }[];
    };
  };
  readonly components: readonly object[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** @param operator  as scripts/build-operator has written it */
export function imageMaterials(
  operator: unknown,
  packages: readonly DebianPackage[],
): { readonly materials: object; readonly commit: string } {
  const { metadata, components, dependencies, $schema, bomFormat, specVersion } = operator as OperatorMaterials;
  const { component } = metadata;
  const image = `image/${component.name}@${component.version}`;
  const debian = packages.map((one) => ({
    type: "library",
    "bom-ref": `debian/${one.name}`,
    name: one.name,
    version: one.version,
    purl: `pkg:deb/debian/${one.name.replaceAll("+", "%2B")}@${one.version.replaceAll("+", "%2B")}?arch=${one.architecture}`,
    licenses: one.license.includes(" ") ? [{ expression: one.license }] : [{ license: { id: one.license } }],
  }));
  const references = debian.map((one) => one["bom-ref"]);
  const body = {
    version: 1,
    metadata: {
      component: { type: "container", "bom-ref": image, name: component.name, version: component.version },
    },
    components: [component, ...components, ...debian],
    dependencies: [
      { ref: image, dependsOn: [component["bom-ref"], ...references] },
      ...dependencies,
      ...references.map((ref) => ({ ref, dependsOn: [] })),
    ],
  };
  const materials = { $schema, bomFormat, specVersion, serialNumber: serialNumber(body), ...body };
  const commit = component.properties.find(({ name }) => name === "rancheros:commit")?.value ?? "";
  return { materials, commit };
}
