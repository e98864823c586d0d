{{/* What cannot work is said before anything is made. */}}
{{- define "tropism.check" -}}
{{- $_ := required "secretName: name a Secret with the keys secret-key and admin-api-key" .Values.secretName }}
{{- if gt (int .Values.replicas) 1 }}
{{- include "tropism.check.apart" (list . "replicas: more than one engine need") }}
{{- end }}
{{- if .Values.pools }}
{{- include "tropism.check.apart" (list . "pools: engines and workers need") }}
{{- end }}
{{- $names := list }}
{{- range .Values.pools }}
{{- if has .name $names }}
{{- fail (printf "pools: there are two of the name %q; give one of them more replicas" .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- include "tropism.check.pool" (dict "root" $ "pool" .) }}
{{- end }}
{{- end }}

{{/* Several pods work on one database, and find each other's files. Takes the chart, and who needs that. */}}
{{- define "tropism.check.apart" -}}
{{- $chart := index . 0 }}
{{- $who := index . 1 }}
{{- if not $chart.Values.database }}
{{- fail (printf "%s `database: true`" $who) }}
{{- end }}
{{- if not (or $chart.Values.storage $chart.Values.data.claim) }}
{{- fail (printf "%s a `storage`, or `data.claim`, a data directory that all of them see" $who) }}
{{- end }}
{{- end }}

{{- define "tropism.check.pool" -}}
{{- if and (eq .pool.name "default") (has "inference" (.pool.capabilities | default list)) }}
{{- fail "pools: in the pool \"default\" the engines themselves answer; give another name to one with inference" }}
{{- end }}
{{- $name := include "tropism.pool.name" (dict "root" .root "pool" .pool.name) }}
{{- if gt (len $name) 52 }}
{{- fail (printf "pools: %q is longer than the 52 characters that Kubernetes takes; shorten the pool's name" $name) }}
{{- end }}
{{- end }}
