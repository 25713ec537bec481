/** Which npm packages are in a bundle, and what their makers want to be told with them. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { lockedPackages, type LockedPackage } from "./locked-packages.ts";

export interface BundledPackage extends LockedPackage {
  readonly name: string;
  /** node_modules/ws */
  readonly place: string;
  /** As the package has it; undefined where it has no such file. */
  readonly licenseText: string | undefined;
  /** Places of those that it asks for and that are in the bundle. */
  readonly uses: readonly string[];
}

const PLACE = /^((?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+))\//;
const LICENSE_FILE = /^licen[cs]e(\.(md|txt))?$/i;

/**
 * @param files  as Bundle.files
 * @throws Error  a package that package-lock.json does not know, or has in another version, or whose licence it does not know
 */
export function bundledPackages(root: string, files: readonly string[]): readonly BundledPackage[] {
  const locked = lockedPackages(root);
  const places = new Map(
    files.flatMap((file) => {
      const [, place, name] = PLACE.exec(file) ?? [];
      return place === undefined || name === undefined ? [] : [[place, name] as const];
    }),
  );
  const inOrder = [...places].sort(([one], [other]) => (one < other ? -1 : 1));
  return inOrder.map(([place, name]) => {
    const known = locked.get(place);
    if (known === undefined || known.license === "") throw new Error(`package-lock.json has no licence of ${place}`);
    const installed = installedVersion(path.join(root, place));
    if (installed !== known.version)
      throw new Error(
        `${place} is ${installed}, and package-lock.json has ${known.version}: scripts/setup npm installs that`,
      );
    const uses = known.dependencies.flatMap((wanted) => foundFrom(place, wanted, places) ?? []);
    return { ...known, name, place, licenseText: licenseText(path.join(root, place)), uses: uses.sort() };
  });
}

/** Where Node would find it, if that is in the bundle. */
function foundFrom(place: string, wanted: string, places: ReadonlyMap<string, string>): string | undefined {
  for (let at: string | undefined = place; at !== undefined; at = PLACE.exec(at)?.[1]) {
    if (places.has(`${at}/node_modules/${wanted}`)) return `${at}/node_modules/${wanted}`;
  }
  return places.has(`node_modules/${wanted}`) ? `node_modules/${wanted}` : undefined;
}

function installedVersion(folder: string): string {
  const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as {
    readonly version?: unknown;
  };
  return String(manifest.version);
}

function licenseText(folder: string): string | undefined {
  const file = readdirSync(folder)
    .sort()
    .find((name) => LICENSE_FILE.test(name));
  return file === undefined ? undefined : readFileSync(path.join(folder, file), "utf8");
}
