{{/*
Engines, or the workers of a pool. Takes
  root        the chart
  name        what it is called; its headless service gives each pod a name of its own
  service     the name of that service
  pool        the pool, or "" for the engines
  own         its values: replicas, image, data, environment, resources, nodeSelector, tolerations, affinity
  management  in which order pods are made
  container   the template that has what only this container has, for which `own` and `name` are there, too
*/}}
{{- define "tropism.statefulset" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .name }}
  labels:
    {{- include "tropism.labels" . | nindent 4 }}
spec:
  serviceName: {{ .service }}
  replicas: {{ .own.replicas }}
  podManagementPolicy: {{ .management }}
  selector:
    matchLabels:
      {{- include "tropism.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "tropism.labels" . | nindent 8 }}
      {{- with .root.Values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      # The time to leave, to drain, and some to store what was accepted and to stop the models.
      terminationGracePeriodSeconds: {{ add .root.Values.leaveSeconds .root.Values.drainSeconds 15 }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile:
          type: RuntimeDefault
      {{- with .root.Values.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - image: "{{ .own.image.repository }}:{{ .own.image.tag | default .root.Chart.AppVersion }}"
          imagePullPolicy: {{ .own.image.pullPolicy }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          {{- with .root.Values.environmentSecret }}
          envFrom:
            - secretRef: {name: {{ . }}}
          {{- end }}
          {{- include .container . | nindent 10 }}
          {{- with .own.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: tmp, mountPath: /tmp}
      {{- with .own.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .own.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .own.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- with .own.data.claim }}
        - name: data
          persistentVolumeClaim: {claimName: {{ . }}}
        {{- end }}
  {{- if not .own.data.claim }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .own.data.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .own.data.size }}
  {{- end }}
{{- end }}

{{/* The variables that engines and workers have in common. */}}
{{- define "tropism.variables" -}}
- name: TROPISM_SECRET_KEY
  valueFrom:
    secretKeyRef: {name: {{ .root.Values.secretName }}, key: secret-key}
{{- if .root.Values.database }}
- name: TROPISM_DATABASE
  valueFrom:
    secretKeyRef: {name: {{ .root.Values.secretName }}, key: database}
{{- end }}
- name: TROPISM_DRAIN_SECONDS
  value: {{ .root.Values.drainSeconds | quote }}
- name: TROPISM_LOG_FORMAT
  value: json
{{- with .root.Values.storage }}
- name: TROPISM_STORAGE
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Those that the operator adds; they are the last, which win. */}}
{{- define "tropism.environment" -}}
{{- range $name, $value := .own.environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
