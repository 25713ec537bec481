/** Values that people set, each with a release of its own. */
import type { Release } from "./render-chart.ts";

const CA = "-----BEGIN CERTIFICATE-----\nR09MREVOIENB\n-----END CERTIFICATE-----\n";
const KEY = "5f".repeat(32);

export const VALUE_SETS = {
  /** As the document installs it. */
  documented: { name: "rancheros-operator", namespace: "cattle-rancheros-operator-system", values: {} },

  /** Without Rancher: a load balancer, and first objects. */
  standalone: {
    name: "rancheros-operator",
    namespace: "cattle-rancheros-operator-system",
    values: {
      serverURL: "https://machines.example.com",
      service: {
        type: "LoadBalancer",
        externalTrafficPolicy: "Local",
        loadBalancerClass: "example.com/lb",
        loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8::/32"],
        nodePort: 30_443,
        annotations: { "example.com/pool": "edge" },
      },
      tls: { extraNames: ["machines.example.com", "203.0.113.9"], keepOnUninstall: true },
      defaultRegistration: { enabled: true, name: "edge", spec: { machineInventoryLabels: { site: "berlin" } } },
      defaultOSImage: { enabled: true, createNamespace: true, osImage: "example.com/os:v1", spec: { concurrency: 2 } },
    },
  },

  /** Behind an ingress controller and a gateway, all options on. */
  everything: {
    name: "edge",
    namespace: "operators",
    values: {
      replicas: 3,
      image: {
        repository: "registry.example.com/os/operator",
        digest: `sha256:${"ab".repeat(32)}`,
        pullPolicy: "Always",
        pullSecrets: ["registry"],
      },
      listenAddress: "[::]",
      rancher: { tunnel: "always", tunnelSecret: "tunnel" },
      tls: { secretName: "machines-tls", ca: CA, channelKeys: [KEY, "none"] },
      ingress: { enabled: true, className: "nginx", host: "machines.example.com", tlsSecretName: "front" },
      gateway: {
        enabled: true,
        host: "machines.example.com",
        parentRefs: [{ name: "public", namespace: "gateways", sectionName: "https" }],
      },
      channels: { custom: true },
      settings: {
        logLevel: "debug",
        maxSessions: 100,
        staleAfterSeconds: 60,
        stopDelaySeconds: 0,
        statusDelaySeconds: 5,
        bootURL: "http://boot.example.com",
        tokenInStatus: false,
        unknownTokenRate: 10,
        failedChallengeRate: 20,
        acceptROCAKeys: true,
        trustAnchorsConfigMap: "tpm-makers",
      },
      registries: {
        ca: CA,
        mirrors: ["docker.io=https://mirror.example.com/hub", "*=none", "*=https://all.example.com"],
        insecure: ["registry.example.com:5000"],
        imagePolicy: [{ images: ["registry.example.com/test/**"], mode: "ignore" }],
      },
      env: [{ name: "HTTPS_PROXY", value: "http://proxy.example.com:3128" }],
      metrics: {
        port: 9090,
        serviceMonitor: { enabled: true, interval: "1m", labels: { release: "prometheus" } },
        alerts: { enabled: true, labels: { release: "prometheus" } },
        dashboard: { enabled: true },
      },
      networkPolicy: {
        enabled: true,
        machinesFrom: [{ ipBlock: { cidr: "203.0.113.0/24" } }],
        metricsFrom: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
        egress: [{ ports: [{ port: 443, protocol: "TCP" }] }],
      },
      spreadOver: ["topology.kubernetes.io/zone"],
      resources: { requests: { memory: "256Mi" } },
      runAsUser: null,
      priorityClassName: "system-cluster-critical",
      podAnnotations: { "example.com/team": "os" },
      podLabels: { team: "os" },
      nodeSelector: { "node-role.kubernetes.io/control-plane": "true" },
      tolerations: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists" }],
      affinity: { nodeAffinity: {} },
      serviceAccount: { name: "operator", annotations: { "example.com/role": "os" } },
    },
  },

  /** For one namespace, beside others of its kind. */
  narrow: {
    name: "team-a",
    namespace: "operators",
    values: {
      watchNamespace: "team-a",
      crds: { enabled: false },
      replicas: 1,
      settings: { leaderElect: false },
      podDisruptionBudget: { enabled: false },
      metrics: { service: false },
      tls: { publicCA: true },
      serverURL: "https://team-a.example.com",
      defaultRegistration: { enabled: true },
    },
  },

  /** With a certificate by cert-manager. */
  certified: {
    name: "rancheros-operator",
    namespace: "operators",
    values: {
      serverURL: "https://machines.example.com:8443",
      tls: { extraNames: ["203.0.113.9", "2001:db8::9"], certManager: { enabled: true, issuerName: "edge-ca" } },
    },
  },
} as const satisfies Readonly<Record<string, Release>>;
