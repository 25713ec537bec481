/** A registry with the list of referrers, which Debian's docker-registry does not have: a Go program of ours. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { buildGoModule } from "../go/build-module.ts";
import type { PushTarget } from "../registry/index.ts";

export interface ReferrersRegistry extends PushTarget {
  kill(): Promise<void>;
}

/** In memory, without accounts. It gives all referrers in one answer, whatever filter is asked for. */
export async function startReferrersRegistry(): Promise<ReferrersRegistry> {
  const folder = await buildGoModule({
    folder: import.meta.dirname,
    prefix: "referrers-registry-",
    packages: ["."],
    what: "a registry with referrers",
  });
  // It ends with its standard input, and so with us.
  const child = spawn(path.join(folder, "referrers-registry"), [], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(() => {
      throw new Error("the registry with referrers did not start: its reason is above");
    }),
  ])) as [string];
  const { address: host } = JSON.parse(line) as { readonly address: string };
  return {
    host,
    url: `http://${host}`,
    caPem: undefined,
    authorization: () => undefined,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
