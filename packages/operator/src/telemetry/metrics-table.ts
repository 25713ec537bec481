/** All metrics of the operator in one table: /metrics is made from it, and docs/operations.md is written from it. */
import { ROLLOUT_STATES } from "@rancheros/protocol/resources";
import { PHASE_NAMES } from "@rancheros/protocol/upgrade";
import { API_OUTCOMES, API_RESOURCES, API_VERBS } from "./api-call.ts";
import { DECISION_KINDS, DECISION_PROTOCOLS } from "./decision.ts";

export const MACHINE_STEPS = ["nonce", "attest", "answer", "machine", "report", "plan", "status", "unknown"] as const;
export type MachineStep = (typeof MACHINE_STEPS)[number];
export const ANSWER_CLASSES = ["2xx", "3xx", "4xx", "5xx"] as const;
export const QUEUES = ["inventories", "inventory_statuses", "registrations", "images"] as const;
export type QueueName = (typeof QUEUES)[number];
export const WATCHED = ["machineinventories", "machineregistrations", "managedosimages"] as const;
export const CERTIFICATES = ["serving", "ca"] as const;
export const TUNNEL_STATES = ["none", "down", "open"] as const;
export const DIAL_RESULTS = ["opened", "failed"] as const;
export const CHANNEL_STATES = ["synced", "failed", "waiting", "off"] as const;
export const SYNC_RESULTS = ["synced", "failed"] as const;
export const VERSION_STATES = ["usable", "unusable", "out_of_sync"] as const;

export interface MetricRow {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** For people: what it counts or measures, in the unit of its name. */
  readonly help: string;
  /** Each label with all its values, or with where they are listed: never a name of a machine. */
  readonly labels: Readonly<Record<string, readonly string[] | string>>;
  /** Upper bounds of a histogram, in seconds. */
  readonly bucketsSeconds?: readonly number[];
}

/** Half a second is a healthy visit; after ten the operator hangs up. */
const VISIT_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];
/** A step takes milliseconds, and no longer than the API server may take. */
const STEP_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
const API_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60];

/** One row a metric. */
export const METRICS = {
  build: {
    name: "rancheros_build_info",
    type: "gauge",
    help: "Always 1; its labels say which operator this is.",
    labels: { version: "of the operator", node: "version of Node" },
  },
  ready: { name: "rancheros_ready", type: "gauge", help: "1 while /readyz says yes.", labels: {} },
  leader: {
    name: "rancheros_leader",
    type: "gauge",
    help: "1 at the replica that writes statuses and keeps house. All replicas serve machines.",
    labels: {},
  },
  decisions: {
    name: "rancheros_decisions_total",
    type: "counter",
    help: "Decisions about machines: registrations and everything after them.",
    labels: { decision: DECISION_KINDS, reason: "a code of errors.md", protocol: DECISION_PROTOCOLS },
  },
  visits: {
    name: "rancheros_visit_duration_seconds",
    type: "histogram",
    help: "From a machine's first message to the decision about it; in the attestation protocol from its challenge, the time of its TPM included.",
    labels: { decision: DECISION_KINDS, protocol: DECISION_PROTOCOLS },
    bucketsSeconds: VISIT_SECONDS,
  },
  requests: {
    name: "rancheros_machine_request_duration_seconds",
    type: "histogram",
    help: "How long the operator took for a request of the attestation protocol: attest and answer are the attestation, plan is the planning.",
    labels: { step: MACHINE_STEPS, code: ANSWER_CLASSES },
    bucketsSeconds: STEP_SECONDS,
  },
  sessions: {
    name: "rancheros_sessions_in_flight",
    type: "gauge",
    help: "Visits of machines that have begun and not ended.",
    labels: {},
  },
  inventories: {
    name: "rancheros_inventories",
    type: "gauge",
    help: "MachineInventories that the operator knows.",
    labels: {},
  },
  machines: {
    name: "rancheros_machines",
    type: "gauge",
    help: "Machines by approval and by the phase of their upgrade; one whose MachineInventory has duplicates counts once.",
    labels: { approval: ["Approved", "Pending", "Denied"], phase: PHASE_NAMES },
  },
  registrations: {
    name: "rancheros_registrations",
    type: "gauge",
    help: "MachineRegistrations that the operator knows.",
    labels: {},
  },
  rollouts: {
    name: "rancheros_rollouts",
    type: "gauge",
    help: "ManagedOSImages by the state of their rollout.",
    labels: { state: ROLLOUT_STATES },
  },
  rolloutMachines: {
    name: "rancheros_rollout_machines",
    type: "gauge",
    help: "Machines of all rollouts together, as the statuses of ManagedOSImages count them.",
    labels: { standing: ["updated", "updating", "failed", "refused", "pending"] },
  },
  slots: {
    name: "rancheros_slots_granted_total",
    type: "counter",
    help: "Machines that were given a slot of a rollout by this replica.",
    labels: {},
  },
  failedUpgrades: {
    name: "rancheros_upgrades_failed_total",
    type: "counter",
    help: "Upgrades that went wrong, each counted by the replica that wrote it down.",
    labels: {},
  },
  queueDepth: {
    name: "rancheros_queue_depth",
    type: "gauge",
    help: "Objects that wait for the operator's work on them.",
    labels: { queue: QUEUES },
  },
  queueFailing: {
    name: "rancheros_queue_failing",
    type: "gauge",
    help: "Objects on which the last work failed; it is tried again.",
    labels: { queue: QUEUES },
  },
  apiRequests: {
    name: "rancheros_kubernetes_requests_total",
    type: "counter",
    help: "Requests to the API server.",
    labels: { verb: API_VERBS, resource: API_RESOURCES, outcome: API_OUTCOMES },
  },
  apiDuration: {
    name: "rancheros_kubernetes_request_duration_seconds",
    type: "histogram",
    help: "How long the API server took; of a watch, until it began.",
    labels: { verb: API_VERBS },
    bucketsSeconds: API_SECONDS,
  },
  watchAge: {
    name: "rancheros_watch_age_seconds",
    type: "gauge",
    help: "Since the API server was last heard of these objects; at most half a minute while all is well.",
    labels: { resource: WATCHED },
  },
  clockSkew: {
    name: "rancheros_clock_skew_seconds",
    type: "gauge",
    help: "How far the API server's clock is ahead of this replica's, to a second or two.",
    labels: {},
  },
  events: {
    name: "rancheros_events_total",
    type: "counter",
    help: "Kubernetes Events that were written, or could not be.",
    labels: { result: ["written", "failed"] },
  },
  tunnel: {
    name: "rancheros_tunnel",
    type: "gauge",
    help: "1 for how this replica's tunnel to Rancher stands: none where no Secret leads anywhere.",
    labels: { state: TUNNEL_STATES },
  },
  tunnelOpened: {
    name: "rancheros_tunnel_opened_timestamp_seconds",
    type: "gauge",
    help: "When the tunnel was opened that is open; 0 while none is.",
    labels: {},
  },
  tunnelDials: {
    name: "rancheros_tunnel_dials_total",
    type: "counter",
    help: "Attempts of this replica to open its tunnel to Rancher: each after the first is one to open it again.",
    labels: { result: DIAL_RESULTS },
  },
  channels: {
    name: "rancheros_channels",
    type: "gauge",
    help: "ManagedOSVersionChannels by what came of the last attempt to read them.",
    labels: { state: CHANNEL_STATES },
  },
  channelAge: {
    name: "rancheros_channel_age_seconds",
    type: "gauge",
    help: "Since the channel was read that was read least lately, of those that are not off; since it was made where it never was.",
    labels: {},
  },
  channelOverdue: {
    name: "rancheros_channel_overdue_seconds",
    type: "gauge",
    help: "How long the channel that waits longest should have been read by its interval; 0 where none waits.",
    labels: {},
  },
  channelSyncs: {
    name: "rancheros_channel_syncs_total",
    type: "counter",
    help: "Attempts to read a channel, by the replica that leads.",
    labels: { result: SYNC_RESULTS },
  },
  versions: {
    name: "rancheros_versions",
    type: "gauge",
    help: "ManagedOSVersions by whether machines can go to them; out_of_sync are those that their channel does not have any more.",
    labels: { state: VERSION_STATES },
  },
  certificates: {
    name: "rancheros_certificate_expiry_timestamp_seconds",
    type: "gauge",
    help: "When the certificate that machines are shown ends, and the CA that the operator made; absent where there is none.",
    labels: { certificate: CERTIFICATES },
  },
} as const satisfies Readonly<Record<string, MetricRow>>;
