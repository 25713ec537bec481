/** `sysctl` and `modules` */
import { below, type Located } from "../located.ts";
import { name, text, textLike, type Reader } from "../judge.ts";

const SETTING = /^[A-Za-z0-9_*][A-Za-z0-9_.*/:@-]*$/;
const VALUE = /^[^\p{Cc}]*$/u;

/** Names as sysctl.d has them, values as they are written. */
export const sysctl: Reader<ReadonlyMap<string, string>> = (judge, node, path) => {
  if (node.kind !== "map") return judge.error(node.at, path, `${name(path)} has to be a map`);
  const settings = new Map<string, string>();
  for (const [key, { keyAt, value }] of node.entries) {
    const inner = below(path, key);
    if (!SETTING.test(key)) judge.error(keyAt, path, `${name(path)} has a key that is no name of a kernel setting`);
    else setValue(value, inner);
  }
  return settings;

  function setValue(value: Located, inner: string): void {
    const read = text(judge, value, inner);
    if (read === undefined) return;
    if (VALUE.test(read)) settings.set(inner.slice(path.length + 1), read);
    else judge.error(value.at, inner, `${inner} has to be on one line`);
  }
};

export const kernelModule = textLike(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/, "the name of a kernel module");
