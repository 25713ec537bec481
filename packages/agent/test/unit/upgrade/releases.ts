/** The operating system that runs, and the image that it is upgraded to. */
import { createHash } from "node:crypto";

export const OLD_RELEASE = "IMAGE=example.com/os:v1.0.0\n";
export const NEW_RELEASE = "IMAGE=example.com/os:v1.1.0\n";
export const DIGEST = `sha256:${createHash("sha256").update("image").digest("hex")}`;
export const REFERENCE = `example.com/os@${DIGEST}`;
