/** Templates over what a machine says of itself: names, labels, annotations. */
export { describeTemplates, valuesOf } from "./describe-templates.ts";
export type { DescribedMachine, DescribedText, Description, Templates } from "./describe-templates.ts";
export { hostName, isHostNameTemplate } from "./host-name.ts";
export type { HostName, NamedMachine } from "./host-name.ts";
export { isLabelKey, LABEL_KEY, LABEL_PREFIX_MAX } from "./label-key.ts";
export { labelValue } from "./label-value.ts";
export { DEFAULT_MACHINE_NAME, machineName, machineNamePrefix } from "./machine-name.ts";
export { templateProblems } from "./template-problems.ts";
export { fillTemplate, HARDWARE_PARTS, TEMPLATE_LIMIT } from "./template.ts";
export { textsOf } from "./texts-of.ts";
export type { NullableTexts } from "./texts-of.ts";
export type { Filled } from "./template.ts";
export { isVendorPlaceholder } from "./vendor-placeholder.ts";
