/** How much all annotations of a MachineInventory may be together. */

/** Kubernetes' TotalAnnotationSizeLimitB: of all keys and values of an object. */
export const ANNOTATIONS_MAX_BYTES = 262_144;
/** Of these, what the operator writes itself. */
export const OPERATORS_BYTES = 4_096;
/** What is left for those of a registration. */
export const TEMPLATES_MAX_BYTES = ANNOTATIONS_MAX_BYTES - OPERATORS_BYTES;

/** As Kubernetes counts them. */
export function annotationBytes(annotations: Readonly<Record<string, string>>): number {
  return new TextEncoder().encode(Object.entries(annotations).flat().join("")).length;
}
