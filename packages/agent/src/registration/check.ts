/** `register --check`: every step of a registration that leaves nothing behind, and for each why it fails. */
import { isSmbiosLost, type Smbios } from "../smbios/index.ts";
import type { EndorsementKey, Tpm } from "../tpm/index.ts";
import { fetchNonce, takeChallenge } from "./attest.ts";
import { registrationToken } from "./attestation-endpoints.ts";
import { type CheckReport, type CheckResult, type CheckRunner, createCheckRunner } from "./check-runner.ts";
import { dialServer, openChallenge, receiveChallenge, type Identity, type Route } from "./conversation.ts";
import { startCourse } from "./course.ts";
import { CACERTS_TIMEOUT_MS, establishTrust } from "./establish-trust.ts";
import { RegistrationError } from "./errors.ts";
import { foreignText } from "./foreign-text.ts";
import { refusalFromAnswer } from "./http-answer.ts";
import type { ServerConnection } from "./io/server-connection.ts";
import { chooseProxy } from "./proxy.ts";
import { certificateProblem, type RegistrationOutside, type ServerOptions } from "./register.ts";
import { parseRegistrationUrl } from "./registration-url.ts";
import type { Trust } from "./trust.ts";
import type { VisitOutside } from "./visit.ts";

export interface CheckOutside extends RegistrationOutside, VisitOutside {}

export interface CheckOptions extends ServerOptions {
  /** Opened by the check, because that too may fail, and closed by it. */
  readonly openTpm: () => Promise<Tpm>;
  /** Undefined where the hardware shall not be reported. */
  readonly readSmbios: (() => Promise<Smbios>) | undefined;
  /** Whether it is of captured tables that somebody named: they are meant to hold something. */
  readonly isSmbiosGiven: boolean;
  /** As with `register`. */
  readonly withoutEkCertificate: boolean;
  readonly protocol: "attestation" | "legacy";
}

/** What people know a machine by. */
const WANTED: ReadonlySet<string> = new Set(["Manufacturer", "Product Name", "Serial Number"]);

/** The page that a registration URL shows without a TPM is a few lines and a CA. */
const MAX_PAGE_BYTES = 64 * 1024;

/** Never throws: what fails is in the report, an interruption too. */
export async function checkThrough(outside: CheckOutside, options: CheckOptions): Promise<CheckReport> {
  const runner = createCheckRunner(options.signal);
  const smbios =
    options.readSmbios === undefined ? undefined : await checkSmbios(runner, options.readSmbios, options.isSmbiosGiven);
  const tpm = await runner.step("tpm", options.openTpm, async (open) => ({
    value: await open(),
    sentence: "is there",
  }));
  try {
    const identity = await checkIdentity(runner, tpm, options.withoutEkCertificate);
    const route = await checkServer(outside, options, runner);
    const known =
      tpm !== undefined && identity !== undefined && route !== undefined ? { tpm, identity, route } : undefined;
    if (options.protocol === "legacy") await checkChallenge(outside, options, runner, known, smbios);
    else await checkAttestation(outside, options, runner, known);
  } finally {
    await tpm?.close();
  }
  return runner.report();
}

/** A machine without SMBIOS registers all the same. */
async function checkSmbios(
  runner: CheckRunner,
  readSmbios: () => Promise<Smbios>,
  isGiven: boolean,
): Promise<Smbios | undefined> {
  return runner.step<typeof readSmbios, Smbios | undefined>("smbios", readSmbios, async (read) => {
    try {
      const report = await read();
      return { value: report, sentence: describeMachine(report) };
    } catch (error) {
      if (isGiven || !isSmbiosLost(error)) throw error;
      return { value: undefined, warning: error.message };
    }
  });
}

async function checkIdentity(
  runner: CheckRunner,
  tpm: Tpm | undefined,
  withoutEkCertificate: boolean,
): Promise<Identity | undefined> {
  const ek = await runner.step("endorsement-key", tpm, async (opened) => {
    const key = await opened.readEndorsementKey();
    return { value: key, sentence: `has the hash ${key.hash}` };
  });
  await runner.step("ek-certificate", ek, async (key) => describeCertificate(key, new Date(), withoutEkCertificate));
  const usable = tpm !== undefined && ek !== undefined ? { tpm, ek } : undefined;
  const ak = await runner.step("attestation-key", usable, async (made) => ({
    value: await made.tpm.createAttestationKey({ qualifyingData: new Uint8Array() }),
    sentence: "can be made, and is certified by the TPM",
  }));
  return ek !== undefined && ak !== undefined ? { ek, ak } : undefined;
}

async function checkServer(
  outside: CheckOutside,
  options: CheckOptions,
  runner: CheckRunner,
): Promise<Route | undefined> {
  const { signal, timeoutMs } = options;
  const named = await runner.step("url", options, async ({ url, allowHttp, environment }) => {
    const server = parseRegistrationUrl(url, { allowHttp });
    const proxy = chooseProxy(server.url, environment);
    const way = proxy === undefined ? "without a proxy" : `through the proxy ${proxy.host}`;
    return { value: { server, proxy }, sentence: `${server.display}, ${way}` };
  });
  const route = await runner.step("trust", named, async ({ server, proxy }) => {
    const course = startCourse({ signal, timeoutMs, onStep: ignore });
    const cas = await course.run(
      "trust",
      (stepSignal) => establishTrust(outside, { ...options, server, proxy, signal: stepSignal }),
      CACERTS_TIMEOUT_MS,
    );
    return { value: { server, proxy, ...cas }, sentence: describeTrust(server.url, options.trust) };
  });
  // The other protocol's first request shows whether the server speaks it.
  if (options.protocol === "attestation") return route;
  return runner.step("page", route, async (value) => {
    const { server, ...way } = value;
    const course = startCourse({ signal, timeoutMs, onStep: ignore });
    const answer = await course.run("connect", (stepSignal) =>
      outside.httpGet({
        url: server.url,
        ...way,
        verification: "certificate",
        maxBodyBytes: MAX_PAGE_BYTES,
        signal: stepSignal,
      }),
    );
    const page = answer.body.toString("utf8");
    if (answer.status !== 200) throw refusalFromAnswer(answer, server, outside.nowMs());
    if (!page.startsWith("#cloud-config")) {
      throw new RegistrationError(
        "REGISTRATION_NONSENSE",
        "the registration URL shows something other than a cloud-config",
      );
    }
    const [, elsewhere] = /registrationURL:\s*(\S+)/i.exec(page) ?? [];
    const isHere = elsewhere === undefined || elsewhere === server.url.href;
    return isHere
      ? { value, sentence: "the server knows this registration" }
      : { value, warning: `the server names another address: ${foreignText(elsewhere, server.redact)}` };
  });
}

interface Known {
  readonly tpm: Tpm;
  readonly identity: Identity;
  readonly route: Route;
}

async function checkChallenge(
  outside: RegistrationOutside,
  options: CheckOptions,
  runner: CheckRunner,
  known: Known | undefined,
  smbios: Smbios | undefined,
): Promise<void> {
  const { signal, timeoutMs } = options;
  const start = { signal, timeoutMs, onStep: ignore };
  const challenged = await runner.step("challenge", known, async ({ route, identity, tpm }) => {
    const course = startCourse(start);
    const socket = await dialServer(outside, course, route, identity, smbios);
    try {
      const challenge = await receiveChallenge(course, socket, route.server);
      return {
        value: { challenge, identity, tpm },
        sentence: "the server takes this machine's keys and challenges them",
      };
    } finally {
      // Before an answer: the server makes nothing for a machine that has not answered.
      socket.drop();
    }
  });
  await runner.step("activation", challenged, async ({ challenge, identity, tpm }) => {
    await openChallenge(startCourse(start), tpm, identity.ak, challenge);
    return { value: true, sentence: "the TPM opens the challenge; nothing was answered" };
  });
}

/** Up to the activation: the server makes nothing for a machine that has not answered. */
async function checkAttestation(
  outside: CheckOutside,
  options: CheckOptions,
  runner: CheckRunner,
  known: Known | undefined,
): Promise<void> {
  const { signal, timeoutMs } = options;
  const course = startCourse({ signal, timeoutMs, onStep: ignore });
  const connection = known === undefined ? undefined : connectOf(outside, known.route);
  try {
    const ready = connection === undefined || known === undefined ? undefined : { ...known, connection };
    const asked = await runner.step("protocol", ready, async ({ tpm, identity, route, connection: opened }) => {
      const { server } = route;
      const purpose = { kind: "registration", token: registrationToken(server.url) } as const;
      const nowMs = outside.nowMs;
      const ekChain = await tpm.readEndorsementChain();
      const attestation = { connection: opened, course, server, tpm, ek: identity.ek, ekChain, purpose, nowMs };
      const nonce = await fetchNonce(attestation);
      const bound = nonce.peerSpki === undefined ? "nothing, as there is no TLS" : "the server's TLS key";
      return { value: { attestation, nonce }, sentence: `the server speaks it; bound to ${bound}` };
    });
    const challenged = await runner.step("challenge", asked, async ({ attestation, nonce }) => ({
      value: await takeChallenge(attestation, nonce),
      sentence: "the server takes this machine's keys and challenges them",
    }));
    await runner.step("activation", challenged, async ({ open }) => {
      await open();
      return { value: true, sentence: "the TPM opens the challenge; nothing was answered" };
    });
  } finally {
    connection?.close();
  }
}

function connectOf(outside: CheckOutside, { server, ...way }: Route): ServerConnection {
  return outside.connectServer({ url: server.url, ...way });
}

function describeMachine(smbios: Smbios): string {
  const system = smbios["System Information"];
  const entries = Object.entries(system ?? {}).filter(([key]) => WANTED.has(key));
  const text = entries.map(([, value]) => String(value)).join(", ");
  return text === "" ? "can be read" : text;
}

function describeCertificate(ek: EndorsementKey, now: Date, withoutEkCertificate: boolean): CheckResult<true> {
  const problem = certificateProblem(ek);
  if (problem !== undefined && !withoutEkCertificate) throw problem;
  const { source } = ek;
  if (source.kind === "template") {
    return { value: true, warning: `${source.why}; servers that ask for one refuse this machine` };
  }
  const sentence = `issued by ${source.issuer}`;
  return source.notAfter < now
    ? { value: true, warning: `${sentence}, expired on ${source.notAfter.toISOString().slice(0, 10)}` }
    : { value: true, sentence };
}

function describeTrust(url: URL, trust: Trust): string {
  if (url.protocol === "http:") return "none: the connection has no TLS, as asked for";
  const sentences: Readonly<Record<Trust["kind"], string>> = {
    system: "will be checked by the CAs that this system trusts",
    "ca-file": "by the given CA",
    ca: "by the CA of the cloud-config",
    pin: "by the server's CA, which has the given fingerprint",
  };
  return sentences[trust.kind];
}

function ignore(): void {
  // The report says it all.
}
