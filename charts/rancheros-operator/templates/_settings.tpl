{{/* The operator's settings (docs/settings.md) as environment variables; what is at its default is left out. */}}
{{- define "rancheros-operator.settings" -}}
{{- $listen := .Values.listenAddress -}}
- name: RANCHEROS_HTTPS_LISTEN
  value: {{ printf "%s:8443" $listen | quote }}
- name: RANCHEROS_HEALTH_LISTEN
  value: {{ printf "%s:%v" $listen .Values.metrics.port | quote }}
{{- if include "rancheros-operator.plainHTTP" . }}
- name: RANCHEROS_HTTP_LISTEN
  value: {{ printf "%s:8080" $listen | quote }}
{{- end }}
{{- with .Values.watchNamespace }}
- name: WATCH_NAMESPACE
  value: {{ . | quote }}
{{- end }}
{{- with include "rancheros-operator.serverURL" . }}
- name: RANCHEROS_SERVER_URL
  value: {{ . | quote }}
{{- end }}
- name: RANCHEROS_RANCHER_TUNNEL_SECRET
  value: {{ ternary "none" .Values.rancher.tunnelSecret (eq .Values.rancher.tunnel "never") | quote }}
{{- if include "rancheros-operator.tlsSecret" . }}
- name: RANCHEROS_TLS_CERT_FILE
  value: /etc/rancheros-operator-tls/tls.crt
- name: RANCHEROS_TLS_KEY_FILE
  value: /etc/rancheros-operator-tls/tls.key
{{- end }}
{{- with .Values.tls }}
{{- if trim .ca }}
- name: RANCHEROS_CA_FILE
  value: /etc/rancheros-operator/ca.pem
{{- else if and .certManager.enabled (not .publicCA) }}
- name: RANCHEROS_CA_FILE
  value: /etc/rancheros-operator-tls/ca.crt
{{- end }}
{{- if .publicCA }}
- name: RANCHEROS_PUBLIC_CA
  value: "true"
{{- end }}
{{- with .channelKeys }}
- name: RANCHEROS_CHANNEL_KEYS
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- with .Values.settings }}
- name: RANCHEROS_LOG_LEVEL
  value: {{ .logLevel | quote }}
- name: RANCHEROS_MAX_SESSIONS
  value: {{ int .maxSessions | quote }}
- name: RANCHEROS_STALE_AFTER
  value: {{ int .staleAfterSeconds | quote }}
- name: RANCHEROS_LEADER_ELECT
  value: {{ .leaderElect | quote }}
- name: RANCHEROS_STOP_DELAY
  value: {{ int .stopDelaySeconds | quote }}
- name: RANCHEROS_STATUS_DELAY
  value: {{ int .statusDelaySeconds | quote }}
{{- with .bootURL }}
- name: RANCHEROS_BOOT_URL
  value: {{ . | quote }}
{{- end }}
- name: RANCHEROS_TOKEN_IN_STATUS
  value: {{ .tokenInStatus | quote }}
- name: RANCHEROS_UNKNOWN_TOKEN_RATE
  value: {{ int .unknownTokenRate | quote }}
- name: RANCHEROS_FAILED_CHALLENGE_RATE
  value: {{ int .failedChallengeRate | quote }}
- name: RANCHEROS_ACCEPT_ROCA_KEYS
  value: {{ .acceptROCAKeys | quote }}
- name: RANCHEROS_TRUST_ANCHORS_CONFIGMAP
  value: {{ .trustAnchorsConfigMap | quote }}
{{- end }}
{{- with .Values.registries }}
{{- if trim .ca }}
- name: RANCHEROS_REGISTRY_CA
  value: /etc/rancheros-operator/registry-ca.pem
{{- end }}
{{- with .mirrors }}
- name: RANCHEROS_REGISTRY_MIRRORS
  value: {{ join "," . | quote }}
{{- end }}
{{- with .insecure }}
- name: RANCHEROS_INSECURE_REGISTRIES
  value: {{ join "," . | quote }}
{{- end }}
{{- if .imagePolicy }}
- name: RANCHEROS_IMAGE_POLICY
  value: /etc/rancheros-operator/image-policy.yaml
{{- end }}
{{- end }}
{{- if .Values.channels.custom }}
- name: RANCHEROS_CHANNEL_POD_IMAGE
  value: {{ include "rancheros-operator.image" . | quote }}
{{- end }}
{{- if include "rancheros-operator.defaults" . | trim }}
- name: RANCHEROS_DEFAULTS_FILE
  value: /etc/rancheros-operator/defaults.yaml
{{- end }}
{{- end -}}
