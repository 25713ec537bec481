/** What rancherd expects on the wire, byte for byte. */
export { cacertsBody, cacertsHash, cacertsKeyId } from "./cacerts.ts";
export { goJson, goStructJson } from "./go-json.ts";
export { MACHINE_PATH, registrationUrl } from "./registration-url.ts";
