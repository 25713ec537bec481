/** One kube-controller-manager for all test files that need one, started by the first of them: the others do not wait. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll } from "vitest";
import type { ControlPlane } from "./control-plane.ts";

const READY = "ready";
const ASK_TIMEOUT_MS = 90_000;

/** What a test file needs to ask for it; `inject("controlPlane")` has it. */
export interface ControllerManagerOffer {
  readonly controllerManagerSocket: string;
}

/** Listens in the process that runs the control plane; test files run in other processes. */
export async function offerControllerManager(
  folder: string,
  controlPlane: Pick<ControlPlane, "startControllerManager">,
): Promise<{ readonly socketPath: string; readonly close: () => Promise<void> }> {
  const socketPath = path.join(folder, "controller-manager.sock");
  let started: Promise<void> | undefined;
  const server = createServer((socket) => {
    // A test file that was stopped meanwhile.
    socket.on("error", () => undefined);
    started ??= controlPlane.startControllerManager();
    started.then(
      () => socket.end(READY),
      (error: unknown) => socket.end(String(error)),
    );
  });
  server.listen(socketPath);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    server.close();
    await started?.catch(() => undefined);
  };
  return { socketPath, close };
}

/**
 * Makes the calling test file wait until the shared kube-controller-manager runs, by a hook of that file. From then on
 * it works in all namespaces; where its garbage collector is in the way, start a control plane of your own.
 */
export function useControllerManager(target: ControllerManagerOffer): void {
  beforeAll(() => askForControllerManager(target));
}

/** @throws when it does not start, with its last lines */
export async function askForControllerManager(target: ControllerManagerOffer): Promise<void> {
  const socket = connect(target.controllerManagerSocket);
  socket.setTimeout(ASK_TIMEOUT_MS, () =>
    socket.destroy(new Error(`kube-controller-manager: no answer in ${ASK_TIMEOUT_MS} ms`)),
  );
  const answer = await text(socket);
  if (answer !== READY) throw new Error(answer);
}
