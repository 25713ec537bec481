/** A machine's files as rancherd's merging asks for them. */
import type { RootFiles } from "../files/index.ts";
import type { ConfigFiles } from "./collect-config.ts";

export function configFiles(files: Pick<RootFiles, "read" | "list">): ConfigFiles {
  return {
    async readFile(path) {
      try {
        const found = await files.read(path);
        return found === undefined ? { kind: "missing" } : { kind: "file", text: found.content.toString("utf8") };
      } catch (error) {
        return { kind: "unreadable", why: error instanceof Error ? error.message : String(error) };
      }
    },
    listFolder: (path) => files.list(path),
  };
}
