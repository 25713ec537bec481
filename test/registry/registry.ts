/** A real OCI registry (Debian's docker-registry) on loopback: started, killed and started again by tests. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "../control-plane/free-port.ts";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import type { Authority } from "../registration/authority.ts";
import { basicAuthorization, REGISTRY_ACCOUNT, REGISTRY_HTPASSWD } from "./account.ts";
import { sendRequest } from "./send-request.ts";
import type { TokenServer } from "./token-server.ts";

const READY_DEADLINE_MS = 30_000;
const STOP_GRACE_MS = 5_000;
const PORT_ATTEMPTS = 5;

export interface RegistryOptions {
  /** Holds storage, configuration, keys and the log, made when missing; removing it afterwards is the caller's. */
  readonly folder: string;
  /** A free one without. */
  readonly port?: number;
  /** With it: TLS with a certificate of this authority for 127.0.0.1, localhost and registry.test. */
  readonly tls?: Authority;
  /** Who may: everybody (default), REGISTRY_ACCOUNT with its password, or who has a token of this server. */
  readonly auth?: "basic" | TokenServer;
  /** Makes it a pull-through mirror of the registry with this URL; nobody can push to it. */
  readonly mirrorOf?: string;
}

export interface TestRegistry {
  /** `127.0.0.1:PORT`, as image references begin. */
  readonly host: string;
  readonly url: string;
  /** What clients have to trust; undefined without TLS. */
  readonly caPem: string | undefined;
  readonly pid: () => number | undefined;
  /** Authorization header of somebody who may do all of that. @param scope such as `repository:os/base:pull,push` */
  readonly authorization: (scope: string) => string | undefined;
  /** It hangs: connections open, no answer comes. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** As by a power cut: connections are refused, open ones break. */
  readonly kill: () => Promise<void>;
  /** Gives it back at the same address, with what it had. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * Starts a registry; resolves when it answers. Its death follows ours.
 * @throws Error  docker-registry is not installed or did not come up; the message carries its log's end
 */
export async function startRegistry(options: RegistryOptions): Promise<TestRegistry> {
  const folder = path.resolve(options.folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt += 1) {
    const host = `127.0.0.1:${options.port ?? (await findFreePort())}`;
    await writeConfiguration(folder, host, options);
    const launch = (): Promise<TetheredProcess> => launchRegistry(folder, host, options);
    try {
      return handle(await launch(), host, options, launch);
    } catch (error) {
      const taken = error instanceof Error && error.message.includes("address already in use");
      if (!taken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function writeConfiguration(folder: string, host: string, options: RegistryOptions): Promise<void> {
  const file = (name: string): string => path.join(folder, name);
  const write = (name: string, text: string): Promise<void> => writeFile(file(name), text, { mode: 0o600 });
  if (options.tls !== undefined) {
    const { cert, key } = options.tls.issue({ names: ["127.0.0.1", "localhost", "registry.test"] });
    await Promise.all([write("tls.crt", cert), write("tls.key", key)]);
  }
  const tls = options.tls === undefined ? {} : { tls: { certificate: file("tls.crt"), key: file("tls.key") } };
  const configuration = {
    version: "0.1",
    log: { level: "info", accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: file("storage") }, delete: { enabled: true } },
    http: { addr: host, ...tls },
    ...(await authConfiguration(options.auth, file)),
    ...(options.mirrorOf === undefined ? {} : { proxy: { remoteurl: options.mirrorOf } }),
  };
  // JSON is YAML.
  await write("config.yml", JSON.stringify(configuration, undefined, 2));
}

async function authConfiguration(
  auth: RegistryOptions["auth"],
  file: (name: string) => string,
): Promise<Readonly<Record<string, unknown>>> {
  if (auth === undefined) return {};
  if (auth === "basic") {
    await writeFile(file("htpasswd"), REGISTRY_HTPASSWD, { mode: 0o600 });
    return { auth: { htpasswd: { realm: "rancheros-test", path: file("htpasswd") } } };
  }
  await writeFile(file("token-root.pem"), auth.rootPem, { mode: 0o600 });
  const { realm, service, issuer } = auth;
  return { auth: { token: { realm, service, issuer, rootcertbundle: file("token-root.pem") } } };
}

async function launchRegistry(folder: string, host: string, options: RegistryOptions): Promise<TetheredProcess> {
  const registry = new TetheredProcess({
    name: "docker-registry",
    executable: "docker-registry",
    args: ["serve", path.join(folder, "config.yml")],
    folder,
  });
  const deadline = performance.now() + READY_DEADLINE_MS;
  const target = { url: urlOf(host, options), caPem: options.tls?.certificatePem };
  while (performance.now() < deadline && registry.running) {
    const status = await sendRequest(target, { method: "GET", path: "/v2/" }).then(
      (answer) => answer.status,
      () => undefined,
    );
    if (status === 200 || status === 401) return registry;
    await sleep(20);
  }
  const ending = registry.running ? `did not answer within ${READY_DEADLINE_MS / 1000} s` : registry.ending;
  const lines = registry.lastLines();
  await registry.kill();
  throw new Error(`docker-registry ${ending}; scripts/setup packages installs it. Its last lines:\n${lines}`);
}

function urlOf(host: string, options: RegistryOptions): string {
  return `${options.tls === undefined ? "http" : "https"}://${host}`;
}

function handle(
  first: TetheredProcess,
  host: string,
  options: RegistryOptions,
  launch: () => Promise<TetheredProcess>,
): TestRegistry {
  let registry = first;
  const { auth } = options;
  return {
    host,
    url: urlOf(host, options),
    caPem: options.tls?.certificatePem,
    pid: () => registry.pid,
    authorization: (scope) => {
      if (auth === undefined) return undefined;
      return auth === "basic" ? basicAuthorization(REGISTRY_ACCOUNT) : `Bearer ${auth.issue(scope)}`;
    },
    pause: () => registry.signal("SIGSTOP"),
    resume: () => registry.signal("SIGCONT"),
    kill: () => registry.kill(),
    async start() {
      registry = await launch();
    },
    stop: () => registry.stop(STOP_GRACE_MS),
  };
}
