/** All settings of the operator in one table: flags, environment, help and documentation are read from it. */

export interface Setting {
  readonly flag: string;
  readonly env: string;
  /** What the value looks like, for the help. */
  readonly value: string;
  readonly fallback: string;
  readonly help: string;
  /** The flag may be given several times; in the environment commas stand between the values. */
  readonly repeatable?: true;
}

/** One row a setting. */
export const SETTINGS = {
  kubeconfig: {
    flag: "kubeconfig",
    env: "KUBECONFIG",
    value: "FILE",
    fallback: "",
    help: "kubeconfig of the cluster; inside a pod its ServiceAccount is used; in the environment several files, with colons between them, as kubectl reads them",
  },
  namespace: {
    flag: "namespace",
    env: "POD_NAMESPACE",
    value: "NAME",
    fallback: "cattle-rancheros-operator-system",
    help: "namespace of the operator's own Secrets",
  },
  watchNamespace: {
    flag: "watch-namespace",
    env: "WATCH_NAMESPACE",
    value: "NAME",
    fallback: "",
    help: "serve the objects of this namespace only; all namespaces when empty",
  },
  serverUrl: {
    flag: "server-url",
    env: "RANCHEROS_SERVER_URL",
    value: "URL",
    fallback: "",
    help: "address under which machines reach this operator; Rancher's setting server-url when empty",
  },
  caFile: {
    flag: "ca-file",
    env: "RANCHEROS_CA_FILE",
    value: "FILE",
    fallback: "",
    help: "CA, as PEM, that machines need for the server URL; when empty, Rancher's cacerts or the operator's own CA",
  },
  publicCa: {
    flag: "public-ca",
    env: "RANCHEROS_PUBLIC_CA",
    value: "true|false",
    fallback: "false",
    help: "the server URL has a certificate of a public CA: machines are given no CA",
  },
  httpsListen: {
    flag: "https-listen",
    env: "RANCHEROS_HTTPS_LISTEN",
    value: "HOST:PORT|none",
    fallback: "0.0.0.0:8443",
    help: "where machines are served with TLS",
  },
  httpListen: {
    flag: "http-listen",
    env: "RANCHEROS_HTTP_LISTEN",
    value: "HOST:PORT|none",
    fallback: "none",
    help: "where machines are served without TLS; only behind a proxy that ends TLS, or for machines that boot from the network",
  },
  tunnelSecret: {
    flag: "rancher-tunnel-secret",
    env: "RANCHEROS_RANCHER_TUNNEL_SECRET",
    value: "NAME|none",
    fallback: "rancheros-operator",
    help: "Secret in the operator's namespace into which Rancher writes where its tunnel begins; while it is not there, no tunnel is opened",
  },
  bootUrl: {
    flag: "boot-url",
    env: "RANCHEROS_BOOT_URL",
    value: "URL",
    fallback: "",
    help: "where machines that boot from the network fetch their files, such as http://boot.example.com; when empty, where they asked for the iPXE script",
  },
  healthListen: {
    flag: "health-listen",
    env: "RANCHEROS_HEALTH_LISTEN",
    value: "HOST:PORT|none",
    fallback: "0.0.0.0:8081",
    help: "where /healthz, /readyz and /metrics are",
  },
  tlsCertFile: {
    flag: "tls-cert-file",
    env: "RANCHEROS_TLS_CERT_FILE",
    value: "FILE",
    fallback: "",
    help: "certificate chain of the TLS listener; the operator makes its own when empty",
  },
  tlsKeyFile: {
    flag: "tls-key-file",
    env: "RANCHEROS_TLS_KEY_FILE",
    value: "FILE",
    fallback: "",
    help: "private key of that certificate",
  },
  tlsSan: {
    flag: "tls-san",
    env: "RANCHEROS_TLS_SAN",
    value: "NAME[,NAME...]",
    fallback: "",
    help: "more host names and addresses for the operator's own certificate",
  },
  leaderElect: {
    flag: "leader-elect",
    env: "RANCHEROS_LEADER_ELECT",
    value: "true|false",
    fallback: "true",
    help: "of several replicas one writes statuses, by a Lease in the operator's namespace; false where there is one replica only",
  },
  channelKeys: {
    flag: "channel-keys",
    env: "RANCHEROS_CHANNEL_KEYS",
    value: "HEX[,HEX...]|none",
    fallback: "",
    help: "SHA-256 of the public key (SubjectPublicKeyInfo) of each certificate with which a proxy in front ends TLS; none among them also lets in machines that use no TLS, for laboratories",
  },
  maxSessions: {
    flag: "max-sessions",
    env: "RANCHEROS_MAX_SESSIONS",
    value: "COUNT",
    fallback: "256",
    help: "machines that may be in the middle of their challenge at one time, by each of the two protocols, and as many in the middle of a question or report in their session; others are asked to come back",
  },
  trustAnchors: {
    flag: "trust-anchors-configmap",
    env: "RANCHEROS_TRUST_ANCHORS_CONFIGMAP",
    value: "NAME",
    fallback: "rancheros-trust-anchors",
    help: "ConfigMap in the operator's namespace with CA certificates of TPM makers, for registrations without their own",
  },
  staleAfter: {
    flag: "stale-after",
    env: "RANCHEROS_STALE_AFTER",
    value: "SECONDS",
    fallback: "120",
    help: "who has heard nothing of the API server for so long lets nobody in; it is heard of every 30 seconds",
  },
  stopDelay: {
    flag: "stop-delay",
    env: "RANCHEROS_STOP_DELAY",
    value: "SECONDS",
    fallback: "2",
    help: "after SIGTERM machines are served for so long while /readyz says no: until nobody is sent here any more; 0 to 3",
  },
  statusDelay: {
    flag: "status-delay",
    env: "RANCHEROS_STATUS_DELAY",
    value: "SECONDS",
    fallback: "15",
    help: "after a machine registered by rancherd's protocol its inventory's conditions are written, at most 20 a second; up to twice as long",
  },
  tokenInStatus: {
    flag: "token-in-status",
    env: "RANCHEROS_TOKEN_IN_STATUS",
    value: "true|false",
    fallback: "true",
    help: "show registration tokens and URLs in the status of MachineRegistrations, as the original does; they are in Secrets in any case",
  },
  unknownTokenRate: {
    flag: "unknown-token-rate",
    env: "RANCHEROS_UNKNOWN_TOKEN_RATE",
    value: "COUNT",
    fallback: "60",
    help: "registration tokens that nobody has which one source address may try in a minute, at each replica",
  },
  failedChallengeRate: {
    flag: "failed-challenge-rate",
    env: "RANCHEROS_FAILED_CHALLENGE_RATE",
    value: "COUNT",
    fallback: "60",
    help: "wrong answers to challenges that one source address may give in a minute, at each replica; right ones are not counted",
  },
  acceptRoca: {
    flag: "accept-roca-keys",
    env: "RANCHEROS_ACCEPT_ROCA_KEYS",
    value: "true|false",
    fallback: "false",
    help: "let in TPMs whose keys can be factored (CVE-2017-15361, old Infineon firmware) until they are updated",
  },
  registryCa: {
    flag: "registry-ca",
    env: "RANCHEROS_REGISTRY_CA",
    value: "FILE",
    fallback: "",
    help: "CA certificates, as PEM, that are trusted for image registries beside the public ones",
  },
  registryMirrors: {
    flag: "registry-mirror",
    env: "RANCHEROS_REGISTRY_MIRRORS",
    value: "HOST=URL",
    fallback: "",
    help: "where images of a registry are asked for before it is asked itself; may be repeated, with commas between them in the environment; the first is asked first; the URL's path goes before the repository; HOST * is for all others, HOST=none keeps the registry itself from being asked",
    repeatable: true,
  },
  insecureRegistries: {
    flag: "insecure-registry",
    env: "RANCHEROS_INSECURE_REGISTRIES",
    value: "HOST[:PORT]",
    fallback: "",
    help: "a registry that is spoken to without TLS; may be repeated, with commas between them in the environment",
    repeatable: true,
  },
  imagePolicy: {
    flag: "image-policy",
    env: "RANCHEROS_IMAGE_POLICY",
    value: "FILE",
    fallback: "",
    help: "YAML that says which images have to be signed, and by whom, before a rollout begins and before boot media go out; read at the start; no image has to be when empty",
  },
  channelPodImage: {
    flag: "channel-pod-image",
    env: "RANCHEROS_CHANNEL_POD_IMAGE",
    value: "IMAGE",
    fallback: "",
    help: "image of the operator itself, for the pods of ManagedOSVersionChannels of type custom; when empty, there are no such channels",
  },
  defaultsFile: {
    flag: "defaults-file",
    env: "RANCHEROS_DEFAULTS_FILE",
    value: "FILE",
    fallback: "",
    help: "YAML with MachineRegistrations and ManagedOSImages that are made at the start where they are missing, and not changed afterwards",
  },
  logLevel: {
    flag: "log-level",
    env: "RANCHEROS_LOG_LEVEL",
    value: "debug|info|warn|error",
    fallback: "info",
    help: "how much is logged",
  },
} as const satisfies Readonly<Record<string, Setting>>;
