/** A process that is many machines: they register, as many at once as asked. */
import { createSecureContext } from "node:tls";
import { importFleet, type FleetJson, type SoftwareTpm } from "../../test/software-tpm/index.ts";
import { sampleSmbios, type SmbiosSize } from "../sample-smbios.ts";
import { inFlight } from "./in-flight.ts";
import { upgradeRequest, visit, type Farewell, type Machine } from "./visit.ts";
import { warmUp } from "./warm-up.ts";
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
  readonly farewell: Farewell;
}

serveJobs<RegisteringJob>((job) => {
  const fleet = importFleet(job.fleet);
  const url = new URL(job.url);
  const machines = Array.from({ length: job.count }, (_, index) =>
    machine(fleet.at(job.first + index), job.first + index, url, job.smbios),
  );
  const tls =
    url.protocol === "https:" ? createSecureContext(job.caPem === undefined ? {} : { ca: job.caPem }) : undefined;
  const destination = { host: url.hostname, port: Number(url.port), tls, farewell: job.farewell };
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
