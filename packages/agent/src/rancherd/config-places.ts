/** Where rancherd looks for its configuration, in the order in which it reads. Source: rancherd pkg/config/types.go */

/** Read in this order; what comes later wins. A folder of this name is read file by file. */
export const IMPLICIT_PLACES = [
  "/usr/share/oem/rancher/rancherd/config.yaml",
  "/usr/share/rancher/rancherd/config.yaml",
  "/oem/userdata",
  "/oem/99_custom.yaml",
  "/oem/rancher/rancherd/config.yaml",
  "/var/lib/cloud/instance/user-data.txt",
] as const;

/** The last of all, and the only one in which a mistake ends rancherd. */
export const CONFIG_PLACE = "/etc/rancher/rancherd/config.yaml";

/** Folders whose YAML files are objects to apply; searched in this order, with all that is in them. */
export const MANIFEST_FOLDERS = [
  "/usr/share/oem/rancher/rancherd/manifests",
  "/usr/share/rancher/rancherd/manifests",
  "/etc/rancher/rancherd/manifests",
  "/oem/rancher/rancherd/manifests",
] as const;

/** In folders in place of a file, and among manifests: any case. */
export function isYamlName(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

/** In FILE.d: lower case only. */
export function isDropInName(name: string): boolean {
  return /\.ya?ml$/.test(name);
}
