/** The address that machines register at. */

/** Path below which the machine endpoints lie; the same as the original's, since images in the field carry it. */
export const MACHINE_PATH = "/v1-rancheros";

/** @param serverUrl  base address of the server as machines see it, with or without a slash at the end */
export function registrationUrl(serverUrl: string, token: string): string {
  return `${serverUrl.replace(/\/+$/, "")}${MACHINE_PATH}/registration/${token}`;
}
