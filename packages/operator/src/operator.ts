/** The running operator: watches, reconcilers and listeners, put together and taken down. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { Kubernetes } from "./controller/index.ts";
import {
  createMachineEndpoint,
  ensureServingIdentity,
  listenForHealth,
  listenForMachines,
  servingNames,
  type MachineListener,
  type TlsMaterial,
} from "./http/index.ts";
import {
  clusterTokenOf,
  createInventoryClaims,
  inventoryAnswer,
  InventoryError,
  inventoryStore,
  readInventory,
  runInventoryController,
  type ClusterTokens,
  type InventoryEntry,
} from "./inventory/index.ts";
import {
  rancherClusterTokens,
  serverAddress,
  watchRancherSettings,
  type RancherSettings,
  type ServerAddress,
} from "./rancher/index.ts";
import { runRegistrationController } from "./registration/index.ts";
import type { Settings } from "./settings.ts";
import { errorFields, type Log } from "./telemetry/index.ts";

const STOP_GRACE_MS = 3_000;
const CERTIFICATE_CHECK_MS = 12 * 3_600_000;
const FIRST_CERTIFICATE_RETRY_MS = 500;
const LONGEST_CERTIFICATE_RETRY_MS = 10_000;

export interface Operator {
  stop(): Promise<void>;
}

interface Tls {
  readonly material: TlsMaterial;
  /** The CA that we made; undefined where the certificate was given. */
  readonly ownCaPem: string | undefined;
}

async function givenTls(files: NonNullable<Settings["tlsFiles"]>): Promise<Tls> {
  const [cert, key] = await Promise.all([readFile(files.certificate, "utf8"), readFile(files.key, "utf8")]);
  return { material: { cert, key }, ownCaPem: undefined };
}

async function ownTls(kubernetes: Kubernetes, settings: Settings): Promise<Tls> {
  const listen = settings.httpsListen?.host ?? "";
  const listenAddresses = isIP(listen) === 0 ? [] : [listen];
  const names = servingNames(settings.serverUrl, settings.namespace, settings.tlsSan, [
    "127.0.0.1",
    "::1",
    ...listenAddresses.filter((address) => address !== "0.0.0.0" && address !== "::"),
  ]);
  const { caPem, serving } = await ensureServingIdentity(kubernetes, settings.namespace, names, Date.now());
  return { material: { cert: serving.certificatePem, key: serving.keyPem }, ownCaPem: caPem };
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Starts everything; settles when machines can connect, which may be before the operator is ready for them. */
export async function startOperator(
  settings: Settings,
  kubernetes: Kubernetes,
  log: Log,
  signal: AbortSignal,
): Promise<Operator> {
  const caPem = settings.caFile === undefined ? undefined : await readFile(settings.caFile, "utf8");
  let tls: Tls | undefined;
  let rancher: RancherSettings = {};
  const address = (): ServerAddress =>
    serverAddress({
      serverUrl: settings.serverUrl,
      caPem,
      publicCa: settings.publicCa,
      ownCaPem: tls?.ownCaPem,
      rancher,
    });

  const controllerParts = { kubernetes, watchNamespace: settings.watchNamespace, log };
  const registrations = runRegistrationController(controllerParts, () => address().url, randomBytes);
  const tokens = rancherClusterTokens(kubernetes);
  const inventories = runInventoryController(controllerParts, tokens);
  const rancherWatch = watchRancherSettings(
    kubernetes,
    Math.random,
    (next) => {
      const before = address().url;
      rancher = next;
      if (address().url !== before) registrations.refresh();
    },
    (error) => log.warn("cannot follow Rancher's settings", errorFields(error)),
  );

  const listeners: MachineListener[] = [];
  const notReady = (): readonly string[] => [
    ...(registrations.synced() ? [] : ["MachineRegistrations not read yet"]),
    ...(inventories.synced() ? [] : ["MachineInventories not read yet"]),
    ...(listeners.length > 0 ? [] : ["no listener yet"]),
  ];
  const endpoint = createMachineEndpoint({
    registrations: registrations.index,
    inventories: inventories.index,
    tokenSecrets: inventories.tokenSecrets,
    claims: createInventoryClaims(inventories.index, inventoryStore(kubernetes)),
    address,
    inventoryAnswer: (entry) => answerFor(kubernetes, tokens, entry),
    notReady,
    policy: { acceptRoca: settings.acceptRoca },
    random: randomBytes,
    maxSessions: settings.maxSessions,
    log,
  });

  const health =
    settings.healthListen === undefined ? undefined : await listenForHealth(settings.healthListen, notReady);

  async function readTls(): Promise<Tls> {
    for (let failures = 0; ; failures += 1) {
      try {
        return settings.tlsFiles === undefined ? await ownTls(kubernetes, settings) : await givenTls(settings.tlsFiles);
      } catch (error) {
        if (settings.tlsFiles !== undefined || signal.aborted) throw error;
        log.warn("no serving certificate yet", errorFields(error));
        const grown = Math.min(LONGEST_CERTIFICATE_RETRY_MS, FIRST_CERTIFICATE_RETRY_MS * 2 ** failures);
        await pause(grown * (0.5 + Math.random()), signal);
      }
    }
  }

  async function listen(): Promise<void> {
    if (settings.httpListen !== undefined) {
      listeners.push(await listenForMachines(settings.httpListen, undefined, endpoint));
    }
    if (settings.httpsListen === undefined) return;
    tls = await readTls();
    listeners.push(await listenForMachines(settings.httpsListen, tls.material, endpoint));
  }

  async function renewCertificate(): Promise<void> {
    if (settings.httpsListen === undefined) return;
    const before = tls?.material.cert;
    tls = await readTls();
    if (tls.material.cert === before) return;
    for (const listener of listeners) listener.setTls(tls.material);
    log.info("serving certificate renewed");
  }

  await listen();
  const renewal = setInterval(() => {
    renewCertificate().catch((error: unknown) => log.error("certificate not renewed", errorFields(error)));
  }, CERTIFICATE_CHECK_MS);
  renewal.unref();
  for (const { address: where } of listeners) log.info("serving machines", { host: where.address, port: where.port });

  return {
    async stop() {
      clearInterval(renewal);
      await Promise.all(listeners.map(async (listener) => listener.stop(STOP_GRACE_MS)));
      health?.stop();
      await Promise.all([registrations.stop(), inventories.stop(), rancherWatch.stop()]);
    },
  };
}

async function answerFor(kubernetes: Kubernetes, tokens: ClusterTokens, entry: InventoryEntry): Promise<string> {
  const { namespace, name } = entry.metadata;
  const inventory = await readInventory(kubernetes, namespace, name);
  if (inventory === undefined) {
    throw new InventoryError("INVENTORY_UNCERTAIN", `MachineInventory ${namespace}/${name} has just been deleted`);
  }
  return inventoryAnswer(inventory.spec.config, await clusterTokenOf(inventory, tokens));
}
