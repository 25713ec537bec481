/** For each alert of the chart series with which it fires, and series with which it does not. */

/** Series and their values in promtool's notation: one value a minute. */
export type Series = Readonly<Record<string, string>>;

export interface AlertScene {
  readonly alert: string;
  readonly fires: Series;
  /** When it has been firing for a while. */
  readonly afterMinutes: number;
  /** Of what fires, beside those of the rule. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where they have values in them; otherwise as the rule has them. */
  readonly summary?: string;
  readonly description?: string;
  /** The same for as long a time, and nobody is told in any minute of it. */
  readonly quiet: Series;
}

const READY = 'rancheros_ready{instance="a"}';
const SYSTEM = { namespace: "system", job: "operator-metrics" };
const OPERATOR = 'namespace="system",job="operator-metrics"';
/** In Prometheus at the same time: an operator in the namespace of this name of another cluster, and one of another release. */
const OTHERS = [`${OPERATOR},cluster="other"`, 'namespace="system",job="second-metrics"'];
const leader = (instance: string, operator = OPERATOR): string =>
  `rancheros_leader{instance="${instance}",${operator}}`;
const OTHERS_LEAD: Series = Object.fromEntries(OTHERS.map((operator) => [leader("c", operator), "1x20"]));
const requests = (outcome: string): string =>
  `rancheros_kubernetes_requests_total{verb="patch",resource="secrets",outcome="${outcome}"}`;
const steps = (le: string): string => `rancheros_machine_request_duration_seconds_bucket{step="attest",le="${le}"}`;
const REFUSED_CHALLENGES = 'rancheros_decisions_total{decision="refused",reason="CHALLENGE_FAILED",instance="a"}';
const certificate = (name: string): string =>
  `rancheros_certificate_expiry_timestamp_seconds{certificate="${name}",instance="a"}`;
const tunnel = (state: string, instance: string, operator = OPERATOR): string =>
  `rancheros_tunnel{state="${state}",instance="${instance}",${operator}}`;
const OTHERS_ARE_OPEN: Series = Object.fromEntries(OTHERS.map((operator) => [tunnel("open", "c", operator), "1x20"]));
const OPENED = 'rancheros_tunnel_dials_total{result="opened",instance="a"}';
const channels = (state: string): string => `rancheros_channels{state="${state}",instance="a"}`;

export const ALERT_SCENES: readonly AlertScene[] = [
  {
    alert: "RancherosOperatorDown",
    fires: { 'rancheros_build_info{instance="a"}': "1x2 _x20 stale" },
    afterMinutes: 20,
    quiet: { 'rancheros_build_info{instance="a"}': "1x3 _x3 1x20" },
  },
  {
    alert: "RancherosOperatorNotReady",
    fires: { [READY]: "0x20" },
    afterMinutes: 10,
    labels: { instance: "a" },
    quiet: { [READY]: "0x4 1x20" },
  },
  {
    alert: "RancherosNoLeader",
    fires: { [leader("a")]: "0x20", [leader("b")]: "0x20", ...OTHERS_LEAD },
    afterMinutes: 5,
    labels: SYSTEM,
    // One after the other.
    quiet: { [leader("a")]: "1x3 0x20", [leader("b")]: "0x4 1x20" },
  },
  {
    alert: "RancherosTwoLeaders",
    fires: { [leader("a")]: "1x20", [leader("b")]: "1x20" },
    afterMinutes: 10,
    labels: SYSTEM,
    // A rolling update: of a target that is gone Prometheus knows only 2.1 intervals later that its series have ended.
    quiet: { [leader("a")]: "1x3 _x2 stale", [leader("b")]: "0x3 1x20", ...OTHERS_LEAD },
  },
  {
    alert: "RancherosKubernetesNotHeard",
    fires: { 'rancheros_watch_age_seconds{resource="machineinventories",instance="a"}': "10+60x20" },
    afterMinutes: 8,
    labels: { resource: "machineinventories" },
    summary: "A replica of rancheros-operator hears nothing of machineinventories",
    quiet: { 'rancheros_watch_age_seconds{resource="machineinventories",instance="a"}': "30x20" },
  },
  {
    alert: "RancherosKubernetesFailing",
    fires: { [requests("ok")]: "0+60x30", [requests("timeout")]: "0+20x30" },
    afterMinutes: 25,
    description: "Of all requests in the last five minutes: 25%.",
    quiet: { [requests("ok")]: "0+60x30", [requests("timeout")]: "0+3x30", [requests("conflict")]: "0+60x30" },
  },
  {
    alert: "RancherosKubernetesRefused",
    fires: { [requests("refused")]: "0+1x40" },
    afterMinutes: 35,
    labels: { verb: "patch", resource: "secrets" },
    summary: "The API server refuses to patch secrets",
    // Once, as when an object is bent by hand.
    quiet: { [requests("refused")]: "0x3 1x40" },
  },
  {
    alert: "RancherosWorkFails",
    fires: { 'rancheros_queue_failing{queue="images",instance="a"}': "1x40" },
    afterMinutes: 20,
    labels: { queue: "images" },
    summary: "Work on images keeps failing",
    quiet: { 'rancheros_queue_failing{queue="images",instance="a"}': "1x10 0x5 1x10" },
  },
  {
    alert: "RancherosAttestationSlow",
    fires: { [steps("2.5")]: "0+90x30", [steps("5")]: "0+100x30", [steps("+Inf")]: "0+100x30" },
    afterMinutes: 25,
    description: "One in twenty steps takes longer than 3.75s.",
    quiet: { [steps("2.5")]: "0+99x30", [steps("5")]: "0+100x30", [steps("+Inf")]: "0+100x30" },
  },
  {
    alert: "RancherosChallengesFail",
    fires: { [REFUSED_CHALLENGES]: "0+3x20" },
    afterMinutes: 18,
    quiet: { [REFUSED_CHALLENGES]: "0+1x20", 'rancheros_decisions_total{decision="admitted",reason="X"}': "0+90x20" },
  },
  {
    alert: "RancherosMachinesWait",
    fires: { 'rancheros_machines{approval="Pending",phase="Idle",instance="a"}': "3x90" },
    afterMinutes: 70,
    description: "3 machines have spec.approval Pending.",
    quiet: { 'rancheros_machines{approval="Pending",phase="Idle",instance="a"}': "3x40 0x50" },
  },
  {
    alert: "RancherosRolloutHalted",
    fires: { 'rancheros_rollouts{state="Halted",instance="a"}': "1x10" },
    afterMinutes: 5,
    quiet: { 'rancheros_rollouts{state="Halted",instance="a"}': "0x10", 'rancheros_rollouts{state="Paused"}': "1x10" },
  },
  {
    alert: "RancherosRolloutUnresolved",
    fires: { 'rancheros_rollouts{state="Resolving",instance="a"}': "1x40" },
    afterMinutes: 20,
    quiet: { 'rancheros_rollouts{state="Resolving",instance="a"}': "1x9 0x20" },
  },
  {
    alert: "RancherosRolloutInvalid",
    fires: { 'rancheros_rollouts{state="Conflict",instance="a"}': "1x40" },
    afterMinutes: 20,
    labels: { state: "Conflict" },
    summary: "A ManagedOSImage is Conflict",
    quiet: { 'rancheros_rollouts{state="Invalid",instance="a"}': "1x9 0x20" },
  },
  {
    alert: "RancherosUpgradesFail",
    fires: { 'rancheros_upgrades_failed_total{instance="a"}': "0x5 1x20" },
    afterMinutes: 15,
    quiet: { 'rancheros_upgrades_failed_total{instance="a"}': "4x20" },
  },
  {
    alert: "RancherosCertificateEnds",
    // promtool's clock begins at 0.
    fires: { [certificate("serving")]: `${13 * 86_400}x90` },
    afterMinutes: 70,
    labels: { certificate: "serving" },
    summary: "The serving certificate ends within two weeks",
    quiet: { [certificate("serving")]: `${120 * 86_400}x90`, [certificate("ca")]: `${3_650 * 86_400}x90` },
  },
  {
    alert: "RancherosClockWrong",
    fires: { 'rancheros_clock_skew_seconds{instance="a"}': "-90x30" },
    afterMinutes: 20,
    labels: { instance: "a" },
    summary: "The clocks of a and of the API server differ",
    description:
      "By 1m 30s. One of the two nodes has no working time service; the replica goes by the API server's clock until its own is right. Where it is the API server's that is wrong, all replicas are.",
    quiet: { 'rancheros_clock_skew_seconds{instance="a"}': "1.5x30" },
  },
  {
    alert: "RancherosTunnelDown",
    fires: {
      [tunnel("down", "a")]: "1x20",
      [tunnel("open", "a")]: "0x20",
      [tunnel("down", "b")]: "0x2 1x20",
      [tunnel("open", "b")]: "1x2 0x20",
      ...OTHERS_ARE_OPEN,
    },
    afterMinutes: 10,
    labels: SYSTEM,
    // Rancher uses the one that is left.
    quiet: {
      [tunnel("down", "a")]: "1x20",
      [tunnel("open", "a")]: "0x20",
      [tunnel("down", "b")]: "0x20",
      [tunnel("open", "b")]: "1x20",
    },
  },
  {
    alert: "RancherosTunnelBreaks",
    fires: { [OPENED]: "0+1x90" },
    afterMinutes: 80,
    labels: { result: "opened", instance: "a" },
    summary: "The tunnel of a to Rancher keeps breaking",
    description:
      "It was opened 60 times within an hour. What breaks it, such as a proxy that cuts idle connections or a Rancher that restarts, is between the two.",
    // Rancher is renewed, and tries in vain are no tunnel that breaks.
    quiet: { [OPENED]: "1x20 2x20 3x50", 'rancheros_tunnel_dials_total{result="failed",instance="a"}': "0+1x90" },
  },
  {
    alert: "RancherosChannelFails",
    fires: { [channels("failed")]: "1x90" },
    afterMinutes: 70,
    quiet: { [channels("failed")]: "1x40 0x5 1x45", [channels("off")]: "1x90" },
  },
  {
    alert: "RancherosChannelOverdue",
    fires: { 'rancheros_channel_overdue_seconds{instance="a"}': "0+60x90" },
    afterMinutes: 60,
    description: "For 1h 0m 0s. The replica that leads reads channels: its log says what it does instead.",
    quiet: { 'rancheros_channel_overdue_seconds{instance="a"}': "0+60x25 0+60x25 0+60x25" },
  },
];
