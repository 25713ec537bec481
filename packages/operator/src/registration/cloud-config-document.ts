/** What the registration URL shows to whoever opens it without a TPM: the cloud config to put on an installation medium. */
import { stringify } from "yaml";

/**
 * @param caPem  the CA that machines need to reach the URL; undefined or empty where a public one signed it
 * @returns      `#cloud-config` with `rancheros.install.registrationURL`, indented by four as the original does
 */
export function cloudConfigDocument(url: string, caPem: string | undefined): string {
  const ca = caPem === undefined || caPem === "" ? {} : { registrationCACert: caPem };
  const install = { ...ca, registrationURL: url };
  return `#cloud-config\n${stringify({ rancheros: { install } }, { indent: 4, lineWidth: 0 })}`;
}
