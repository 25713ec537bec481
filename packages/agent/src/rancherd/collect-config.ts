/** Reads and merges rancherd's configuration as rancherd does, and keeps where each value came from. */
import { CONFIG_PLACE, IMPLICIT_PLACES, MANIFEST_FOLDERS, isDropInName, isYamlName } from "./config-places.ts";
import { parseGoYaml, parseGoYamlStream } from "./go-yaml.ts";
import { judgeConfig, type ConfigRemark } from "./judge-config.ts";
import { emptyMap, mergeTop, withOrigin, type OriginMap, type OriginNode } from "./origin-tree.ts";

export type FileFound =
  | { readonly kind: "file"; readonly text: string }
  | { readonly kind: "missing" }
  /** A folder, no right to read, too large. */
  | { readonly kind: "unreadable"; readonly why: string };

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** The machine's files; paths begin at its /. */
export interface ConfigFiles {
  readFile(path: string): Promise<FileFound>;
  /** In the order of their names' bytes; undefined where there is no folder. */
  listFolder(path: string): Promise<readonly FolderEntry[] | undefined>;
}

export interface CollectedConfig {
  readonly config: OriginMap;
  /** Files that had a part, in the order in which they were merged. */
  readonly read: readonly string[];
  /** Files that rancherd passes over, or in the last place fails on, and why. */
  readonly skipped: readonly { readonly path: string; readonly why: string; readonly fatal: boolean }[];
  readonly remarks: readonly ConfigRemark[];
  /** rancherd would ask the server for the rest: it has server and token, and no role. */
  readonly asksRemote: boolean;
}

/** Source: rancherd pkg/config/types.go Load, mergeFile, dotDFiles */
export async function collectConfig(files: ConfigFiles): Promise<CollectedConfig> {
  const skipped: { path: string; why: string; fatal: boolean }[] = [];
  let merged: Merged = { config: emptyMap("nowhere"), read: [] };
  for (const path of await implicitPaths(files)) {
    try {
      merged = await mergeFile(files, merged, path, 0);
    } catch (error) {
      // With its drop-ins: rancherd goes on with what it had before this file.
      skipped.push({ path, why: sentence(error), fatal: false });
    }
  }
  try {
    merged = await mergeFile(files, merged, CONFIG_PLACE, 0);
  } catch (error) {
    skipped.push({ path: CONFIG_PLACE, why: sentence(error), fatal: true });
  }
  const config = await withManifests(files, merged.config, skipped);
  return { config, read: merged.read, skipped, remarks: judgeConfig(config), asksRemote: asksRemote(config) };
}

/** Source: rancherd pkg/config/remote.go processRemote */
export function mergeRemote(config: OriginMap, answer: unknown, origin: string): OriginMap {
  const overlay = withOrigin(answer, origin);
  return overlay.kind === "map" ? mergeTop(config, overlay) : config;
}

interface Merged {
  readonly config: OriginMap;
  readonly read: readonly string[];
}

/** A drop-in may have drop-ins of its own; folders that name each other through links would go on for ever. */
const MAX_DROP_IN_DEPTH = 16;

async function mergeFile(files: ConfigFiles, before: Merged, path: string, depth: number): Promise<Merged> {
  if (depth > MAX_DROP_IN_DEPTH) throw new Error("its drop-ins are nested too deep");
  const found = await files.readFile(path);
  if (found.kind === "unreadable") throw new Error(found.why);
  const dropIns = (await files.listFolder(`${path}.d`)) ?? [];
  const values = found.kind === "file" ? mapOf(found.text, path) : undefined;
  let merged: Merged =
    values === undefined ? before : { config: mergeTop(before.config, values), read: [...before.read, path] };
  for (const { name, isFolder } of dropIns) {
    if (!isFolder && isDropInName(name)) merged = await mergeFile(files, merged, `${path}.d/${name}`, depth + 1);
  }
  return merged;
}

function mapOf(text: string, path: string): OriginMap {
  const value = parseGoYaml(text);
  if (value === null || value === undefined) return emptyMap(path);
  const node = withOrigin(value, path);
  if (node.kind !== "map") throw new Error("it is not a map");
  const inner = node.entries.get("rancherd");
  return inner?.kind === "map" ? inner : node;
}

async function implicitPaths(files: ConfigFiles): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const place of IMPLICIT_PLACES) {
    paths.push(place);
    const entries = (await files.listFolder(place)) ?? [];
    paths.push(...entries.filter(({ name }) => isYamlName(name)).map(({ name }) => `${place}/${name}`));
  }
  return paths;
}

/** Objects of manifests are the resources where no file has a key `resources`. */
async function withManifests(
  files: ConfigFiles,
  config: OriginMap,
  skipped: { path: string; why: string; fatal: boolean }[],
): Promise<OriginMap> {
  const given = config.entries.get("resources");
  if (given !== undefined && !(given.kind === "scalar" && given.value === null)) return config;
  const items: OriginNode[] = [];
  for (const folder of MANIFEST_FOLDERS) {
    await walkManifests(files, folder, items, 0).catch((error: unknown) =>
      // rancherd says nothing, and takes nothing further from this folder.
      skipped.push({ path: folder, why: sentence(error), fatal: false }),
    );
  }
  if (items.length === 0) return config;
  const origin = items[0]?.origin ?? "nowhere";
  return { ...config, entries: new Map(config.entries).set("resources", { kind: "list", origin, items }) };
}

async function walkManifests(files: ConfigFiles, folder: string, items: OriginNode[], depth: number): Promise<void> {
  if (depth > MAX_DROP_IN_DEPTH) throw new Error(`${folder} is nested too deep`);
  for (const { name, isFolder } of (await files.listFolder(folder)) ?? []) {
    const path = `${folder}/${name}`;
    if (isFolder) await walkManifests(files, path, items, depth + 1);
    else if (isYamlName(name)) items.push(...(await objectsOf(files, path)));
  }
}

async function objectsOf(files: ConfigFiles, path: string): Promise<readonly OriginNode[]> {
  const found = await files.readFile(path);
  if (found.kind !== "file") throw new Error(`${path} cannot be read`);
  const objects: OriginNode[] = [];
  for (const value of parseGoYamlStream(found.text)) {
    const node = withOrigin(value, path);
    if (node.kind !== "map" || node.entries.size === 0) continue;
    if (textAt(node, "kind") === "") throw new Error(`an object in ${path} has no kind`);
    if (textAt(node, "apiVersion") !== "") objects.push(node);
  }
  return objects;
}

function asksRemote(config: OriginMap): boolean {
  return textAt(config, "role") === "" && textAt(config, "server") !== "" && textAt(config, "token") !== "";
}

/** @returns empty where there is no such text */
export function textAt(node: OriginMap, key: string): string {
  const inner = node.entries.get(key);
  return inner?.kind === "scalar" && typeof inner.value === "string" ? inner.value : "";
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
