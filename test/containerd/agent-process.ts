/** An agent as a process of its own, to be killed: does what the JSON in its argument says, and prints how it ended. */
import { pullImage, runContainer, type ContainerRuntime, type ContainerSpec } from "@rancheros/agent/containers";
import { NO_REGISTRIES } from "@rancheros/agent/images";

export interface AgentOrder {
  readonly runtime: ContainerRuntime;
  readonly runFolder: string;
  readonly work:
    | { readonly kind: "run"; readonly spec: ContainerSpec }
    | { readonly kind: "pull"; readonly image: string; readonly bytesPerSecond: number };
}

const DEADLINE_MS = 60_000;

async function obey({ runtime, runFolder, work }: AgentOrder): Promise<unknown> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  if (work.kind === "run")
    return runContainer(runtime, { runFolder }, { spec: work.spec, deadlineMs: DEADLINE_MS, signal });
  const { image, bytesPerSecond } = work;
  const onProgress = (): unknown => process.stderr.write(".");
  return pullImage(
    runtime,
    { runFolder },
    { image, bytesPerSecond, registries: NO_REGISTRIES, policies: [], signal, onProgress },
  );
}

if (import.meta.main) {
  const order = JSON.parse(process.argv[2] ?? "") as AgentOrder;
  process.stdout.write(JSON.stringify(await obey(order)));
}
