/** A configuration without its secrets, for people and logs. */
import { HIDDEN, hideInText } from "./hide-in-text.ts";
import type { OriginMap, OriginNode } from "./origin-tree.ts";
import { isSecretKey, isSecretOption } from "./secret-key.ts";

/** Keys whose value is known to be none. */
const PLAIN_KEYS = new Set(["kubernetesVersion", "rancherVersion"]);
/** Where one key says what another one's value is: `{name: ADMIN_PASSWORD, value: x}`, `{path: /etc/token, content: x}`. */
const NAMES: ReadonlySet<string> = new Set(["name", "key", "path"]);
const VALUES: ReadonlySet<string> = new Set(["value", "values", "content"]);

export function hideSecrets(config: OriginMap): OriginMap {
  return { ...config, entries: hideEntries(config) };
}

function hideEntries(map: OriginMap): ReadonlyMap<string, OriginNode> {
  const isSecretObject = textOf(map.entries.get("kind")) === "Secret";
  const isNamedSecret = [...map.entries].some(
    ([key, node]) => NAMES.has(key.toLowerCase()) && isSecretKey(textOf(node)),
  );
  return new Map(
    [...map.entries].map(([key, node]) => {
      const isSecret =
        (!PLAIN_KEYS.has(key) && isSecretKey(key)) ||
        (isSecretObject && (key === "data" || key === "stringData")) ||
        (isNamedSecret && VALUES.has(key.toLowerCase()));
      return [key, isSecret ? hideAll(node) : hide(node)];
    }),
  );
}

function hide(node: OriginNode): OriginNode {
  if (node.kind === "map") return { ...node, entries: hideEntries(node) };
  if (node.kind === "list") {
    const isSecret = (index: number): boolean => isSecretOption(textOf(node.items[index - 1]));
    return { ...node, items: node.items.map((item, index) => (isSecret(index) ? hideAll(item) : hide(item))) };
  }
  return { ...node, value: typeof node.value === "string" ? hideInText(node.value) : node.value };
}

function hideAll(node: OriginNode): OriginNode {
  if (node.kind === "map") {
    return { ...node, entries: new Map([...node.entries].map(([key, inner]) => [key, hideAll(inner)])) };
  }
  if (node.kind === "list") return { ...node, items: node.items.map(hideAll) };
  // That a secret is missing is none; `tpm://` says only who keeps it.
  return node.value === null || node.value === "" || node.value === "tpm://" ? node : { ...node, value: HIDDEN };
}

function textOf(node: OriginNode | undefined): string {
  return node?.kind === "scalar" && typeof node.value === "string" ? node.value : "";
}
