/** `runcmd`: a line for the shell, or a program with its arguments. */
import type { RunCommand } from "../cloud-config.ts";
import { listOf, name, text, type Reader } from "../judge.ts";

/** Of one argument of a program, as which a line for the shell is given too. Source: execve(2), MAX_ARG_STRLEN */
const ARGUMENT_MAX_BYTES = 131_071;

/** What no program can be given: the system takes none of these. */
const argument: Reader<string> = (judge, node, path) => {
  const read = text(judge, node, path);
  if (read === undefined) return undefined;
  if (read.includes("\0")) return judge.error(node.at, path, `${name(path)} holds a NUL byte`);
  if (Buffer.byteLength(read) <= ARGUMENT_MAX_BYTES) return read;
  return judge.error(
    node.at,
    path,
    `${name(path)} has more than ${ARGUMENT_MAX_BYTES} bytes: have write_files write it, and run the file`,
  );
};

export const runCommand: Reader<RunCommand> = (judge, node, path) => {
  if (node.kind === "list") {
    const argv = listOf(argument)(judge, node, path) ?? [];
    if (argv.length === node.items.length && argv[0] !== undefined && argv[0] !== "") return { kind: "program", argv };
    return argv.length === node.items.length ? judge.error(node.at, path, `${name(path)} names no program`) : undefined;
  }
  if (node.kind === "map") return judge.error(node.at, path, `${name(path)} has to be a text or a list of texts`);
  const script = argument(judge, node, path);
  if (script === undefined || script.trim() !== "") return script === undefined ? undefined : { kind: "shell", script };
  return judge.error(node.at, path, `${name(path)} is empty`);
};
