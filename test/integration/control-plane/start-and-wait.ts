/** Starts a control plane, prints its process ids, and never stops it: for the test that kills this process. */
import { setTimeout as sleep } from "node:timers/promises";
import { startControlPlane } from "../../control-plane/control-plane.ts";

const [folder, binariesFolder] = process.argv.slice(2);
if (folder === undefined || binariesFolder === undefined) throw new Error("usage: start-and-wait.ts FOLDER BINARIES");
const { pids, startControllerManager } = await startControlPlane({ folder, binariesFolder });
await startControllerManager();
console.log(`${pids().etcd} ${pids().apiServer} ${pids().controllerManager}`);
await sleep(120_000);
