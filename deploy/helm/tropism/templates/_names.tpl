{{/* What an object is called: the release, which is the only one of its name in a namespace. */}}
{{- define "tropism.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/*
By what the objects of a release find each other. Engines and workers are told apart: what asks engines never asks a
worker. Takes {root, pool}, and is for the engines if there is no pool.
*/}}
{{- define "tropism.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ if .pool }}worker{{ else }}engine{{ end }}
{{- with .pool }}
tropism/pool: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "tropism.labels" -}}
{{ include "tropism.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}
