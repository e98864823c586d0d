{{/* What an object is called: the release, which is the only one of its name in a namespace. */}}
{{- define "tropism.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* By what the objects of a release find each other. */}}
{{- define "tropism.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tropism.labels" -}}
{{ include "tropism.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What cannot work is said before anything is made. */}}
{{- define "tropism.check" -}}
{{- $_ := required "secretName: name a Secret with the keys secret-key and admin-api-key" .Values.secretName }}
{{- if gt (int .Values.replicas) 1 }}
{{- if not .Values.database }}
{{- fail "replicas: more than one engine need `database: true`" }}
{{- end }}
{{- if not (or .Values.storage .Values.data.claim) }}
{{- fail "replicas: more than one engine need a `storage`, or `data.claim`, a data directory that all of them see" }}
{{- end }}
{{- end }}
{{- end }}
