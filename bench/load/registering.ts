/** A process that is many machines: they register, as many at once as asked. */
import { constants, publicEncrypt } from "node:crypto";
import { createSecureContext } from "node:tls";
import { importFleet, type FleetJson, type SoftwareTpm } from "../../test/software-tpm/index.ts";
import { sampleSmbios, type SmbiosSize } from "../sample-smbios.ts";
import { inFlight } from "./in-flight.ts";
import { upgradeRequest, visit, type Machine } from "./visit.ts";
import { serveJobs } from "./worker.ts";

export interface RegisteringJob {
  readonly fleet: FleetJson;
  /** Number of the first machine in the fleet. */
  readonly first: number;
  readonly count: number;
  readonly inFlight: number;
  /** http or https, with the registration token. */
  readonly url: string;
  readonly caPem: string | undefined;
  readonly smbios: SmbiosSize;
}

serveJobs<RegisteringJob>((job) => {
  const fleet = importFleet(job.fleet);
  const url = new URL(job.url);
  const machines = Array.from({ length: job.count }, (_, index) =>
    machine(fleet.at(job.first + index), job.first + index, url, job.smbios),
  );
  const tls =
    url.protocol === "https:" ? createSecureContext(job.caPem === undefined ? {} : { ca: job.caPem }) : undefined;
  const destination = { host: url.hostname, port: Number(url.port), tls };
  return async () => {
    const latenciesMs: number[] = [];
    const startedMs = performance.now();
    await inFlight(job.count, job.inFlight, async (index) => {
      const one = machines[index];
      if (one === undefined) throw new RangeError(`there is no machine ${index}`);
      latenciesMs.push((await visit(destination, one)).latencyMs);
    });
    return { durationMs: performance.now() - startedMs, latenciesMs };
  };
});

/** All that can be done before the clock starts is done here. */
function machine(tpm: SoftwareTpm, number: number, url: URL, size: SmbiosSize): Machine {
  const smbios = sampleSmbios(number.toString(16).padStart(8, "0").toUpperCase(), size);
  warmUp(tpm);
  return {
    request: upgradeRequest(url.pathname, url.host, {
      Authorization: tpm.authorization(),
      "X-Cattle-Smbios": Buffer.from(JSON.stringify(smbios)).toString("base64"),
    }),
    answer(challenge) {
      const { EC } = JSON.parse(challenge.toString("latin1")) as { EC: { Credential: string; Secret: string } };
      const secret = tpm.activateCredential(Buffer.from(EC.Credential, "base64"), Buffer.from(EC.Secret, "base64"));
      return Buffer.from(`{"Secret":"${secret.toString("base64")}"}\n`, "latin1");
    },
  };
}

/** OpenSSL computes what blinds a private key when it is first used, which takes longer than using it. */
function warmUp(tpm: SoftwareTpm): void {
  const seed = publicEncrypt(
    {
      key: tpm.ekSpkiDer,
      format: "der",
      type: "spki",
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: "sha256",
      oaepLabel: Buffer.from("IDENTITY\0"),
    },
    Buffer.alloc(16),
  );
  const blob = Buffer.concat([Buffer.from([0, 68, 0, 32]), Buffer.alloc(66)]);
  try {
    tpm.activateCredential(blob, Buffer.concat([Buffer.from([1, 0]), seed]));
  } catch {
    // Nobody made a credential for it: the key was used all the same.
    return;
  }
}
