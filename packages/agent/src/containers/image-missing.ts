/** Of a run or a look into an image that the runtime does not have (any more): who asks for it may pull it again. */
import { ContainerError } from "./errors.ts";

export function imageMissing(name: string): ContainerError {
  return new ContainerError("CONTAINER_IMAGE_MISSING", `the image ${name} is not in the runtime's store`, {
    details: { image: name },
  });
}
