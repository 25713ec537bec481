/** rancherd: what it is told, which it reads itself; here only what would keep it from reading any of it. */
import { name, type Judge, type Reader } from "../judge.ts";
import { below, isTooLarge, plain, type Located } from "../located.ts";

export const rancherd: Reader<Readonly<Record<string, unknown>>> = (judge, node, path) => {
  if (node.kind !== "map") return judge.error(node.at, path, `${name(path)} has to be a map`);
  return isReadable(judge, node, path)
    ? Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]))
    : undefined;
};

/** It makes JSON of all of it first. Source: sigs.k8s.io/yaml, YAMLToJSON: "json: unsupported value: +Inf" */
function isReadable(judge: Judge, node: Located, path: string): boolean {
  if (node.kind === "scalar") {
    if (typeof node.value !== "number" || Number.isFinite(node.value) || isTooLarge(node)) return true;
    judge.error(node.at, path, `${path} is a number that rancherd does not read`);
    return false;
  }
  const parts: readonly (readonly [string | number, Located])[] =
    node.kind === "list" ? [...node.items.entries()] : [...node.entries].map(([key, { value }]) => [key, value]);
  return parts.filter(([key, part]) => !isReadable(judge, part, below(path, key))).length === 0;
}
