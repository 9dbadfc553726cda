{{/* The flags of `modelwright operator`, each by its environment variable: logLevel is MODELWRIGHT_LOG_LEVEL. */}}
{{- define "modelwright.environment" -}}
{{- if and .Values.namespaces .Values.operator.managePlatform -}}
{{- fail "operator.managePlatform cannot be true with namespaces: the ServingPlatform is of the whole cluster, and the operator gets a Role in some namespaces only" -}}
{{- end -}}
{{- with .Values.nodeOptions -}}
- name: NODE_OPTIONS
  value: {{ . | quote }}
{{ end -}}
# The same image runs in Jobs and fetches models.
- name: MODELWRIGHT_IMAGE
  value: {{ include "modelwright.image" . | quote }}
- name: MODELWRIGHT_SYSTEM_NAMESPACE
  value: {{ .Release.Namespace }}
- name: MODELWRIGHT_METRICS_BIND_ADDRESS
  value: {{ printf ":%v" .Values.metrics.port | quote }}
- name: MODELWRIGHT_LEADER_ELECT
  # Also with one replica: an upgrade runs the old and the new pod side by side.
  value: "true"
- name: MODELWRIGHT_LEADER_ELECTION_ID
  value: {{ include "modelwright.lease" . }}
- name: MODELWRIGHT_LEADER_ELECTION_NAMESPACE
  value: {{ .Release.Namespace }}
{{- with .Values.namespaces }}
- name: MODELWRIGHT_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- range $name, $value := .Values.operator }}
- name: MODELWRIGHT_{{ $name | snakecase | upper }}
  value: {{ ternary (join "," (default list $value)) ($value | toString) (kindIs "slice" $value) | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
