/** The running operator: watches, reconcilers and listeners, put together and taken down. */
import { randomBytes, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { retryTimer, type ClusterClock, type Kubernetes } from "./controller/index.ts";
import { makeDefaults } from "./defaults/index.ts";
import { createTrustAnchorStore, KNOWN_WEAK_HASHES } from "./attestation/index.ts";
import {
  createCaForMachines,
  createFailedChallenges,
  createSessionPace,
  createMachineEndpoint,
  createProtocolEndpoint,
  createSessionGates,
  createVisitGate,
} from "./http/index.ts";
import {
  createInventoryClaims,
  inventoryStore,
  machineRecords,
  runInventoryController,
  type InventoryEntry,
} from "./inventory/index.ts";
import { startLeadership } from "./leadership/index.ts";
import { connectionRoom } from "./connection-room.ts";
import { machineListeners } from "./machine-listeners.ts";
import { followAddress } from "./operator-address.ts";
import { openImagePolicy, openRegistries, readDefaults, startBootDesk } from "./operator-boot.ts";
import { startChannels } from "./operator-channels.ts";
import { anchorsStanding, operatorAnchors } from "./operator-anchors.ts";
import { startHealth } from "./operator-health.ts";
import { operatorInventoryAnswer } from "./operator-inventory-answer.ts";
import { operatorReadiness } from "./operator-readiness.ts";
import { startRollouts } from "./operator-rollouts.ts";
import { createOperatorTelemetry, inventoryWarning } from "./operator-telemetry.ts";
import type { Tunnel } from "./tunnel/index.ts";
import { startTunnel } from "./operator-tunnel.ts";
import { rancherClusterTokens, watchRancherSettings } from "./rancher/index.ts";
import { registrationUrl } from "./rancherd/index.ts";
import {
  cloudConfigDocument,
  installConfigData,
  MachineLimit,
  RefusalCounter,
  RegistrationGate,
  runRegistrationController,
} from "./registration/index.ts";
import { runSessionKeyStore } from "./session/index.ts";
import type { Settings } from "./settings/index.ts";
import { errorFields, type Decision, type Log, type Metrics } from "./telemetry/index.ts";
import { tracedProtocol } from "./traced-protocol.ts";
import type { Tracer } from "./tracing/index.ts";

export interface OperatorOutside {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Undefined where nobody wants traces. */
  readonly tracer: Tracer | undefined;
  /** By the answers of the API server that the operator is given. */
  readonly clock: ClusterClock;
}

export interface Operator {
  stop(): Promise<void>;
}

/** Starts everything; settles when machines can connect, which may be before the operator is ready for them. */
export async function startOperator(
  settings: Settings,
  kubernetes: Kubernetes,
  { log, metrics, tracer, clock }: OperatorOutside,
  signal: AbortSignal,
): Promise<Operator> {
  const { watchNamespace } = settings;
  const nowMs = (): number => clock.nowMs();
  const address = await followAddress(settings, {
    ownCaPem: () => listeners.ownCaPem(),
    isRancherKnown: () => rancherWatch.isAddressKnown(),
    log,
  });
  const defaults = await readDefaults(settings);
  const listeners = machineListeners(settings, kubernetes, log, nowMs, signal);

  const lead = startLeadership(kubernetes, log, {
    namespace: settings.namespace,
    watchNamespace,
    // Of a pod, its name; what comes after it tells two processes of one host apart.
    identity: `${hostname()}_${randomUUID()}`,
    isElected: settings.leaderElect,
  });
  const tokens = rancherClusterTokens(kubernetes);
  const store = inventoryStore(kubernetes);
  const { client: registry, caPem: registryCaPem } = await openRegistries(settings);
  const imagePolicy = await openImagePolicy(settings, log);
  const controllerParts = { kubernetes, lead, watchNamespace, log, nowMs };
  const rollouts = startRollouts({
    ...controllerParts,
    registry,
    imagePolicy,
    defaultRegistry: {
      isKnown: () => rancherWatch.isKnown(),
      name: () => address.defaultRegistry(),
      refresh: () => rancherWatch.refresh(),
    },
    settings,
    store,
    // Who does not hear of machines any more must not write down what became of them.
    machinesSynced: () => inventories.synced() && inventories.quietMs() < settings.staleAfterMs,
    record: (fact) => telemetry.record(fact),
    metrics,
  });
  const channels = startChannels({
    ...controllerParts,
    settings,
    registry,
    registryCaPem,
    record: (fact) => telemetry.record(fact),
    metrics,
  });
  const inventories = runInventoryController(controllerParts, rancherClusterTokens(lead.kubernetes), {
    statusDelayMs: settings.statusDelayMs,
    isSurplus: (entry) =>
      limit.isSurplus(registrations.index.get(`${entry.metadata.namespace}/${entry.registrationName ?? ""}`), entry),
    onMachine: (entry) => rollouts.onMachine(entry),
    onMachineGone: (object) => rollouts.onMachineGone(object),
    onUnreadable: (inventory, note) => telemetry.record(inventoryWarning(inventory, "INVENTORY_UNREADABLE", note)),
    onDuplicate: (inventory, note) => telemetry.record(inventoryWarning(inventory, "INVENTORY_DUPLICATE", note)),
    onMachinesWentBack: () => rollouts.onMachinesWentBack(),
  });
  const anchors = createTrustAnchorStore(kubernetes, () => performance.now(), operatorAnchors(settings));
  const refusals = new RefusalCounter();
  const limit = new MachineLimit<InventoryEntry>({
    machinesOf: (namespace, name) => inventories.index.countedThrough(namespace, name),
    withdraw: (entry) => store.withdraw(entry),
    pause: sleep,
    random: Math.random,
  });
  const claims = createInventoryClaims(inventories.index, store);
  const registrations = runRegistrationController(controllerParts, {
    serverUrl: () => address.now().url,
    random: randomBytes,
    tokenInStatus: settings.tokenInStatus,
    countsOf(namespace, name) {
      if (!inventories.synced()) return undefined;
      const machines = inventories.index
        .withRegistration(namespace, name)
        .filter((one) => inventories.index.firstBefore(one) === undefined);
      return { machines: machines.length, pending: machines.filter((one) => one.approval === "Pending").length };
    },
    isFull: (registration) => limit.isFull(registration),
    refusals,
    trustAnchors: async (registration) => anchorsStanding(anchors, registration, nowMs()),
  });
  const entrance = new RegistrationGate({
    index: registrations.index,
    limit,
    refusals,
    unknownPerMinute: settings.unknownTokenRate,
    nowMs,
    steadyMs: () => performance.now(),
  });
  const rancherWatch = watchRancherSettings(
    kubernetes,
    Math.random,
    (next) => {
      const before = address.now().url;
      address.takeRancher(next);
      rollouts.onDefaultRegistry();
      if (address.now().url !== before) registrations.refresh();
    },
    (error) => log.warn("cannot follow Rancher's settings", errorFields(error)),
  );

  const sessionKeys = runSessionKeyStore(kubernetes, settings.namespace, log, nowMs);
  const readiness = operatorReadiness({
    registrations,
    inventories,
    rollouts,
    sessionKeys,
    listening: () => listeners.listening(),
    addressKnown: () => address.isKnown(),
    staleAfterMs: settings.staleAfterMs,
    steadyMs: () => performance.now(),
  });
  const visitGate = createVisitGate(settings.maxSessions);
  const gates = createSessionGates(settings.maxSessions);
  let tunnel: Tunnel | undefined;
  const telemetry = createOperatorTelemetry(kubernetes, log, metrics, nowMs);
  metrics.watch({
    isReady: () => readiness.notReady().length === 0,
    isLeader: () => lead.isLeader(),
    sessions: () => visitGate.inside + gates.inside(),
    inventories: () => inventories.index.size,
    machines: () => inventories.index.counts(),
    registrations: () => registrations.index.keys().length,
    rollouts: () => rollouts.counts(),
    queues: () => ({ ...inventories.queues(), registrations: registrations.queue(), images: rollouts.queue() }),
    clockSkewMs: () => clock.skewMs(),
    tunnel: () => tunnel?.standing() ?? { state: "none", openedAtMs: undefined },
    channels: () => channels.counts(),
    versions: () => rollouts.versionCounts(),
    certificatesEndMs: () => listeners.certificatesEndMs(),
    quietMs: () => ({
      machineinventories: inventories.quietMs(),
      machineregistrations: registrations.quietMs(),
      managedosimages: rollouts.quietMs(),
    }),
  });
  const records = machineRecords(kubernetes, {
    upgradingCount: () => inventories.index.upgradingCount,
    log,
    // By which rollouts tell whether a machine is silent.
    nowMs,
    random: Math.random,
    setTimer: retryTimer,
  });
  const shared = {
    registrations: registrations.index,
    entrance,
    inventories: inventories.index,
    claims,
    records,
    anchors,
    failures: createFailedChallenges(settings.failedChallengeRate, () => performance.now()),
    nowMs,
    assertReady: () => readiness.assertReady(),
    policy: { acceptRoca: settings.acceptRoca, knownWeakHashes: KNOWN_WEAK_HASHES },
    random: randomBytes,
    decide: (decision: Decision) => telemetry.decide(decision),
  };
  const endpoint = createMachineEndpoint({
    ...shared,
    gate: visitGate,
    tokenSecrets: inventories.tokenSecrets,
    serverUrl: () => address.url(),
    caPem: () => address.caPem(),
    inventoryAnswer: (entry) =>
      operatorInventoryAnswer(kubernetes, tokens, entry, () => inventories.tokenMissed(entry)),
  });
  const caForMachines = createCaForMachines(log);
  const untraced = createProtocolEndpoint({
    ...shared,
    gates,
    deletedChallenge: (ekHash) => inventories.deletedChallenge(ekHash),
    keys: sessionKeys,
    pace: createSessionPace(() => performance.now()),
    rollouts,
    observe: (step, status, durationMs) => metrics.observeRequest(step, status, durationMs),
    isOwnChannel: (channel) => listeners.isOwnChannel(channel),
    caForMachines: () => caForMachines(address.now().caPem),
    configFor: ({ spec }, machine) => installConfigData(spec.cloudConfig, address.url(), machine),
  });

  const protocol = tracedProtocol(untraced, tracer);
  const making = makeDefaults(kubernetes, log, defaults);
  const boot = startBootDesk({
    settings,
    kubernetes,
    registry,
    imagePolicy,
    log,
    assertReady: () => readiness.assertReady(),
    look: (token, remoteAddress) => entrance.look(token, remoteAddress),
    configOf: (token) => cloudConfigDocument(registrationUrl(address.url(), token), address.caPem()),
  });
  const connectionLimit = await connectionRoom(settings, log);
  const health = await startHealth(settings, readiness, metrics, connectionLimit);
  await listeners.start(endpoint, protocol, boot, connectionLimit);
  tunnel = startTunnel(settings, kubernetes, log, { metrics, nowMs }, (stream) => listeners.acceptTunnelled(stream));

  return {
    async stop() {
      readiness.stop();
      address.stop();
      const leading = lead.stop();
      listeners.endConnections();
      await sleep(settings.stopDelayMs);
      await listeners.stop();
      await tunnel?.stop();
      health?.stop();
      sessionKeys.stop();
      making.stop();
      await Promise.all([leading, telemetry.stop(), records.stop(), claims.stop()]);
      await Promise.all([
        rollouts.stop(),
        registrations.stop(),
        inventories.stop(),
        rancherWatch.stop(),
        channels.stop(),
      ]);
      await registry.close();
    },
  };
}
