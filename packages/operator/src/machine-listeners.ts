/** The listeners that the settings ask for, and the TLS material that they show. */
import type { Duplex } from "node:stream";
import type { Kubernetes } from "./controller/index.ts";
import type { BootDesk } from "./boot/index.ts";
import {
  bootResponder,
  checkPair,
  listenForMachines,
  serveTunnelledMachines,
  type MachineEndpoint,
  type MachineHandlers,
  type MachineListener,
  type ProtocolEndpoint,
  type TlsMaterial,
  type TunnelledMachines,
} from "./http/index.ts";
import { followFiles, SETTINGS, type FollowedFiles, type Settings } from "./settings/index.ts";
import { errorFields, type Log } from "./telemetry/index.ts";
import { certificateEndMs, tlsChannel } from "./tls/index.ts";
import { followOwnTls, type OwnTlsFollower } from "./own-tls.ts";

const STOP_GRACE_MS = 1_000;
const CHANNELS_KEPT = 2;
const CHANNEL_LOOK_MS = 30_000;

interface Tls {
  readonly material: TlsMaterial;
  /** The CA that we made; undefined where the certificate was given. */
  readonly ownCaPem: string | undefined;
}

export interface MachineListeners {
  /** Undefined before the certificate is there, and where it was given. */
  readonly ownCaPem: () => string | undefined;
  /** When the certificates that machines are shown end, since the epoch. */
  readonly certificatesEndMs: () => { readonly serving?: number; readonly ca?: number };
  /** Whether all listeners that were asked for are there. */
  readonly listening: () => boolean;
  /** Settles when they are. Each takes so many connections at a time. */
  start(endpoint: MachineEndpoint, protocol: ProtocolEndpoint, boot: BootDesk, connectionLimit: number): Promise<void>;
  /** Takes a connection that comes through Rancher's tunnel; see serveTunnelledMachines. */
  acceptTunnelled(stream: Duplex): void;
  /** Whether machines may have this TLS key in front of them: the present one, the one before, or one of --channel-keys. */
  isOwnChannel(channel: Buffer): Promise<boolean>;
  /** From now on each connection ends with its next answer; new ones are taken still. */
  endConnections(): void;
  stop(): Promise<void>;
}

export function machineListeners(
  settings: Settings,
  kubernetes: Kubernetes,
  log: Log,
  nowMs: () => number,
  signal: AbortSignal,
): MachineListeners {
  const listeners: MachineListener[] = [];
  let tunnelled: TunnelledMachines | undefined;
  let tls: Tls | undefined;
  let started = false;
  let own: OwnTlsFollower | undefined;
  let followed: FollowedFiles | undefined;
  /** The latest first; the one before stays, since machines are in the middle of something when a certificate changes. */
  let channels: readonly Buffer[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;

  function take(next: Tls): void {
    tls = next;
    const channel = tlsChannel(next.material.cert);
    const [latest] = channels;
    if (latest === undefined || !latest.equals(channel)) channels = [channel, ...channels].slice(0, CHANNELS_KEPT);
  }

  function isKnown(channel: Buffer): boolean {
    return [...channels, ...settings.channelKeys].some((one) => one.equals(channel));
  }

  function show(next: Tls): void {
    const before = tls?.material.cert;
    const isOther = before !== undefined && next.material.cert !== before;
    // Only what a listener took is what machines see: who throws here leaves everything as it was.
    if (isOther) for (const listener of listeners) listener.setTls(next.material);
    take(next);
    if (isOther) log.info("serving with another certificate");
  }

  /** Files must be right at once. @throws SessionError CERTIFICATE_INVALID; SettingsError SETTINGS_FILE_UNREADABLE */
  async function followGiven({ certificate, key }: NonNullable<Settings["tlsFiles"]>): Promise<FollowedFiles> {
    return followFiles(
      [
        { setting: SETTINGS.tlsCertFile, path: certificate },
        { setting: SETTINGS.tlsKeyFile, path: key },
      ],
      ([cert = "", privateKey = ""]) => {
        const material = { cert, key: privateKey };
        checkPair(material, `${certificate} and ${key}`);
        show({ material, ownCaPem: undefined });
      },
      (error) => log.error("the certificate that was given is not taken", errorFields(error)),
    );
  }

  return {
    ownCaPem: () => tls?.ownCaPem,
    certificatesEndMs() {
      if (tls === undefined) return {};
      const serving = certificateEndMs(tls.material.cert);
      return tls.ownCaPem === undefined ? { serving } : { serving, ca: certificateEndMs(tls.ownCaPem) };
    },
    listening: () => started,
    async start(endpoint, protocol, desk, connectionLimit) {
      const handlers = (isTls: boolean): MachineHandlers => {
        const boot = bootResponder(desk, isTls, (error) => log.warn("boot file not served", errorFields(error)));
        return { endpoint, protocol, boot, nowMs };
      };
      // Rancher, at its other end, ends TLS.
      tunnelled = serveTunnelledMachines(handlers(true));
      if (settings.httpListen !== undefined) {
        listeners.push(await listenForMachines(settings.httpListen, undefined, handlers(false), connectionLimit));
      }
      if (settings.httpsListen !== undefined) {
        if (settings.tlsFiles !== undefined) followed = await followGiven(settings.tlsFiles);
        else {
          own = await followOwnTls(kubernetes, settings, { log, nowMs }, signal, ({ material, caPem }) =>
            show({ material, ownCaPem: caPem }),
          );
        }
        listeners.push(await listenForMachines(settings.httpsListen, tls?.material, handlers(true), connectionLimit));
      }
      started = true;
      for (const { address } of listeners) log.info("serving machines", { host: address.address, port: address.port });
    },
    async isOwnChannel(channel) {
      if (isKnown(channel)) return true;
      // Another replica may have renewed the certificate; who makes up keys makes us look once in a while only.
      if (own === undefined || performance.now() - lookedAt < CHANNEL_LOOK_MS) return false;
      lookedAt = performance.now();
      await own.look().catch((error: unknown) => log.warn("certificate not read", errorFields(error)));
      return isKnown(channel);
    },
    acceptTunnelled(stream) {
      if (tunnelled === undefined) stream.destroy();
      else tunnelled.accept(stream);
    },
    endConnections() {
      tunnelled?.endConnections();
      for (const listener of listeners) listener.endConnections();
    },
    async stop() {
      own?.stop();
      followed?.stop();
      await Promise.all(
        [...listeners, ...(tunnelled === undefined ? [] : [tunnelled])].map((one) => one.stop(STOP_GRACE_MS)),
      );
    },
  };
}
