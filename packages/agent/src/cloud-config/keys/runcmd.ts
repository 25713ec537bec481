/** `runcmd`: a line for the shell, or a program with its arguments. */
import type { RunCommand } from "../cloud-config.ts";
import { listOf, name, text, type Reader } from "../judge.ts";

export const runCommand: Reader<RunCommand> = (judge, node, path) => {
  if (node.kind === "list") {
    const argv = listOf(text)(judge, node, path) ?? [];
    if (argv.length === node.items.length && argv[0] !== undefined && argv[0] !== "") return { kind: "program", argv };
    return argv.length === node.items.length ? judge.error(node.at, path, `${name(path)} names no program`) : undefined;
  }
  if (node.kind === "map") return judge.error(node.at, path, `${name(path)} has to be a text or a list of texts`);
  const script = text(judge, node, path);
  if (script === undefined || script.trim() !== "") return script === undefined ? undefined : { kind: "shell", script };
  return judge.error(node.at, path, `${name(path)} is empty`);
};
