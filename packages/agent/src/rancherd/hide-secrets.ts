/** A configuration without its secrets, for people and logs. */
import type { OriginMap, OriginNode } from "./origin-tree.ts";

export const HIDDEN = "(hidden)";

/** Words in a key whose value is a secret whatever it looks like. */
const SECRET_KEY = /token|passw|secret|credential|private|auth(?!or)|apikey|api_key|accesskey|access_key|\bpwd\b/i;
/** Keys whose value is known to be none. */
const PLAIN_KEYS = new Set(["kubernetesVersion", "rancherVersion"]);

export function hideSecrets(config: OriginMap): OriginMap {
  return { ...config, entries: hideEntries(config) };
}

function hideEntries(map: OriginMap): ReadonlyMap<string, OriginNode> {
  const isSecretObject = textOf(map.entries.get("kind")) === "Secret";
  return new Map(
    [...map.entries].map(([key, node]) => {
      const isSecret =
        !PLAIN_KEYS.has(key) && (SECRET_KEY.test(key) || (isSecretObject && (key === "data" || key === "stringData")));
      return [key, isSecret ? hideAll(node) : hide(node)];
    }),
  );
}

function hide(node: OriginNode): OriginNode {
  if (node.kind === "map") return { ...node, entries: hideEntries(node) };
  if (node.kind === "list") return { ...node, items: node.items.map(hide) };
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

/** Of environments (`NAME=value`) and of arguments (`--token=value`, `https://user:password@host`). */
function hideInText(text: string): string {
  const [, name, value] = /^-{0,2}([A-Za-z0-9_.-]+)=([\s\S]+)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined && SECRET_KEY.test(name)) {
    return `${text.slice(0, text.length - value.length)}${HIDDEN}`;
  }
  return text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s:@]*:[^/\s@]+@/gi, `$1${HIDDEN}@`);
}

function textOf(node: OriginNode | undefined): string {
  return node?.kind === "scalar" && typeof node.value === "string" ? node.value : "";
}
