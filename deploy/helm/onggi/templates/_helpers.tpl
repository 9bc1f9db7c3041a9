{{- define "onggi.labels" -}}
app.kubernetes.io/part-of: onggi
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "onggi.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "onggi.secretName" -}}
{{ .Values.existingSecret | default "onggi" }}
{{- end }}

{{- define "onggi.podSecurity" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- with .Values.podSecurity.runAsUser }}
runAsUser: {{ . | int64 }}
runAsGroup: {{ . | int64 }}
fsGroup: {{ . | int64 }}
{{- end }}
{{- end }}

{{- define "onggi.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "onggi.pod" -}}
enableServiceLinks: false
securityContext: {{- include "onggi.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- /* A value of TOML: text, number, truth, list or one inline table. */}}
{{- define "onggi.toml" -}}
{{- if kindIs "string" . }}{{ . | quote }}
{{- else if kindIs "slice" . }}[{{ range $i, $value := . }}{{ if $i }}, {{ end }}{{ include "onggi.toml" $value }}{{ end }}]
{{- else if kindIs "map" . }}{ {{- $first := true }}{{ range $key, $value := . }}{{ if not $first }}, {{ end }}{{ $first = false }}{{ $key }} = {{ include "onggi.toml" $value }}{{ end -}} }
{{- else if kindIs "float64" . }}{{ if eq (floor .) . }}{{ . | int64 }}{{ else }}{{ . }}{{ end }}
{{- else }}{{ . }}{{ end }}
{{- end }}

{{- define "onggi.config" -}}
listen = "0.0.0.0:7700"
data = "/var/lib/onggi"
log = {{ .Values.log | quote }}
{{- with .Values.proxies }}
proxies = {{ include "onggi.toml" . }}
{{- end }}
{{- if .Values.sizes }}
sizes = {{ include "onggi.toml" .Values.sizes }}
{{- end }}

[bucket]
url = {{ required "bucket.url is missing: the object store that holds all indexes, such as s3://bucket?region=eu-west-1" .Values.bucket.url | quote }}

{{- with .Values.bucket.sts }}
{{- if .role }}

[bucket.sts]
role = {{ .role | quote }}
session_time = {{ .sessionTime | quote }}
{{- with .endpoint }}
endpoint = {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

[telemetry]
sample = {{ .Values.telemetry.sample | float64 | printf "%f" }}
{{- with .Values.telemetry.otlp }}
otlp = {{ . | quote }}
{{- end }}

[portal]
{{- if and .Values.ingress.enabled (not (hasKey .Values.portalConfig "public_url")) }}
public_url = "{{ (not (empty .Values.ingress.tlsSecret)) | ternary "https" "http" }}://{{ .Values.ingress.host }}"
{{- end }}
{{- range $key, $value := .Values.portalConfig }}
{{ $key }} = {{ include "onggi.toml" $value }}
{{- end }}

[limits]
{{- range $key, $value := .Values.limits }}
{{ $key }} = {{ include "onggi.toml" $value }}
{{- end }}

{{- with .Values.plans }}

[plans]
{{- range $key, $value := . }}
{{ $key }} = {{ include "onggi.toml" $value }}
{{- end }}
{{- end }}

[analytics]
{{- range $key, $value := .Values.analyticsConfig }}
{{ $key }} = {{ include "onggi.toml" $value }}
{{- end }}

[controller]
{{- if not (hasKey .Values.controllerConfig "webhook_networks") }}
webhook_networks = []
{{- end }}
{{- range $key, $value := .Values.controllerConfig }}
{{ $key }} = {{ include "onggi.toml" $value }}
{{- end }}

[services]
uploader = "http://onggi-uploader:7700"
admin = "http://onggi-admin:7700"
controller = "http://onggi-controller:7700"
gateway = "http://onggi-gateway:{{ .Values.gateway.service.port }}"

[kubernetes]
namespace = {{ .Release.Namespace | quote }}
image = {{ include "onggi.image" . | quote }}
image_pull_policy = {{ .Values.image.pullPolicy | quote }}
image_pull_secrets = {{ include "onggi.toml" .Values.image.pullSecrets }}
run_as_user = {{ .Values.podSecurity.runAsUser | default 0 | int64 }}
{{- with .Values.bucket.egress }}
bucket_egress = {{ include "onggi.toml" . }}
{{- end }}
{{- range $key, $value := .Values.kubernetesConfig }}
{{ $key }} = {{ include "onggi.toml" $value }}
{{- end }}
{{- end }}
