{{- define "rancheros-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name where it says what this is, as in the documented command; else both. */}}
{{- define "rancheros-operator.fullname" -}}
{{- $name := include "rancheros-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "rancheros-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rancheros-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "rancheros-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "rancheros-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: rancheros
{{- end -}}

{{- define "rancheros-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rancheros-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rancheros-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default (printf "v%s" $.Chart.AppVersion) .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The address that machines are given; empty leaves it to Rancher's setting server-url. */}}
{{- define "rancheros-operator.serverURL" -}}
{{- if .Values.serverURL -}}
{{- .Values.serverURL -}}
{{- else if .Values.ingress.enabled -}}
{{- printf "https://%s" .Values.ingress.host -}}
{{- else if .Values.gateway.enabled -}}
{{- printf "https://%s" .Values.gateway.host -}}
{{- end -}}
{{- end -}}

{{/* Whether something in front of the operator ends TLS, so that it listens without. */}}
{{- define "rancheros-operator.plainHTTP" -}}
{{- if or .Values.ingress.enabled .Values.gateway.enabled -}}true{{- end -}}
{{- end -}}

{{/* The Secret with the certificate to show; empty where the operator makes its own. */}}
{{- define "rancheros-operator.tlsSecret" -}}
{{- if .Values.tls.certManager.enabled -}}
{{- printf "%s-machines-tls" (include "rancheros-operator.fullname" .) -}}
{{- else -}}
{{- .Values.tls.secretName -}}
{{- end -}}
{{- end -}}

{{/* Names in the operator's certificate: of its Service, and those that the values give. */}}
{{- define "rancheros-operator.tlsNames" -}}
{{- $fullname := include "rancheros-operator.fullname" . -}}
{{- $service := printf "%s.%s" $fullname .Release.Namespace -}}
{{- concat (list $service (printf "%s.svc" $service) (printf "%s.svc.cluster.local" $service)) .Values.tls.extraNames | join "," -}}
{{- end -}}

{{/* Whether the namespace that is watched is another one than the release's: rights in both are needed then. */}}
{{- define "rancheros-operator.watchesElsewhere" -}}
{{- if and .Values.watchNamespace (ne .Values.watchNamespace .Release.Namespace) -}}true{{- end -}}
{{- end -}}

{{- define "rancheros-operator.registrationNamespace" -}}
{{- coalesce .Values.defaultRegistration.namespace .Values.watchNamespace "fleet-default" -}}
{{- end -}}

{{/* Objects that the operator makes where they are missing: the API server takes them only when the CRDs are there. */}}
{{- define "rancheros-operator.defaults" -}}
{{- with .Values.defaultRegistration }}
{{- if .enabled }}
---
apiVersion: rancheros.cattle.io/v1
kind: MachineRegistration
metadata:
  name: {{ .name | quote }}
  namespace: {{ include "rancheros-operator.registrationNamespace" $ | quote }}
spec:
  {{- toYaml .spec | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.defaultOSImage }}
{{- if .enabled }}
---
apiVersion: rancheros.cattle.io/v1
kind: ManagedOSImage
metadata:
  name: default-os-image
  namespace: fleet-local
spec:
  {{- toYaml (merge (dict "osImage" .osImage) .spec) | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Files for the operator: defaults and certificates. */}}
{{- define "rancheros-operator.files" -}}
{{- $defaults := include "rancheros-operator.defaults" . | trim }}
{{- with $defaults }}
defaults.yaml: |
  {{- . | nindent 2 }}
{{- end }}
{{- with trim .Values.tls.ca }}
ca.pem: |
  {{- . | nindent 2 }}
{{- end }}
{{- with trim .Values.registries.ca }}
registry-ca.pem: |
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.registries.imagePolicy }}
image-policy.yaml: |
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
