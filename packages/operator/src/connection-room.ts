/** How many connections each listener may have, by the files that the process may open. */
import { connectionLimitOf, openFilesWanted, readOpenFilesLimit } from "./http/index.ts";
import type { Settings } from "./settings/index.ts";
import type { Log } from "./telemetry/index.ts";

type Listens = Pick<Settings, "healthListen" | "httpListen" | "httpsListen">;

/** Says so where there is less room than elsewhere. */
export async function connectionRoom({ healthListen, httpListen, httpsListen }: Listens, log: Log): Promise<number> {
  const listeners = [healthListen, httpListen, httpsListen].filter((where) => where !== undefined).length;
  const openFiles = await readOpenFilesLimit();
  const connections = connectionLimitOf(openFiles, listeners);
  const wantedFiles = openFilesWanted(listeners);
  if (openFiles !== undefined && openFiles < wantedFiles) {
    const mend = "raise the limit of open files of the container runtime (LimitNOFILE), for large fleets above all";
    log.warn("this process may open few files: listeners take fewer connections", {
      openFiles,
      wantedFiles,
      connections,
      mend,
    });
  }
  return connections;
}
