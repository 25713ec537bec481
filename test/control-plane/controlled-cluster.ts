/**
 * The second control plane that test files share: with a controller-manager, whose garbage collector and disruption
 * controller would undo what tests of single objects make up. Started by the first file that asks; the others do not wait.
 */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { ControlPlane } from "./control-plane.ts";
import type { KubeletAuthority } from "./kubelet-kubeconfig.ts";
import type { KubectlTarget } from "./kubectl.ts";

const ASK_TIMEOUT_MS = 110_000;

/** What a test file needs to ask for it; `inject("controlPlane")` has it. */
export interface ControlledClusterOffer {
  readonly controlledClusterSocket: string;
}

export interface ControlledCluster extends KubectlTarget, KubeletAuthority {
  readonly adminToken: string;
}

type Answer = { readonly cluster: ControlledCluster } | { readonly trouble: string };

/**
 * Listens in vitest's own process; test files run in other processes.
 * @param start  makes a control plane with controllers and our CRDs in the folder that it is given
 */
export async function offerControlledCluster(
  folder: string,
  start: (folder: string) => Promise<ControlPlane>,
): Promise<{ readonly socketPath: string; readonly stop: () => Promise<void> }> {
  const socketPath = path.join(folder, "controlled.sock");
  let started: Promise<ControlPlane> | undefined;
  const server = createServer((socket) => {
    // A test file that was stopped meanwhile.
    socket.on("error", () => undefined);
    started ??= startIn(path.join(folder, "controlled"), start);
    void started
      .then(
        ({ kubeconfigPath, binariesFolder, serverUrl, caPem, adminToken, clientAuthority }): Answer => ({
          cluster: { kubeconfigPath, binariesFolder, serverUrl, caPem, adminToken, clientAuthority },
        }),
        (error: unknown): Answer => ({ trouble: String(error) }),
      )
      .then((answer) => socket.end(JSON.stringify(answer)));
  });
  server.listen(socketPath);
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    server.close();
    await (await started?.catch(() => undefined))?.stop();
  };
  return { socketPath, stop };
}

async function startIn(folder: string, start: (folder: string) => Promise<ControlPlane>): Promise<ControlPlane> {
  mkdirSync(folder, { mode: 0o700 });
  return start(folder);
}

/**
 * The control plane with controllers, to be awaited at the top of a test file. Not to be stopped or paused.
 * @throws when it does not start, with the last lines of what failed
 */
export async function controlledCluster(offer: ControlledClusterOffer): Promise<ControlledCluster> {
  const socket = connect(offer.controlledClusterSocket);
  socket.setTimeout(ASK_TIMEOUT_MS, () =>
    socket.destroy(new Error(`the control plane with controllers: no answer in ${ASK_TIMEOUT_MS} ms`)),
  );
  const answer = JSON.parse(await text(socket)) as Answer;
  if ("trouble" in answer) throw new Error(answer.trouble);
  return answer.cluster;
}
