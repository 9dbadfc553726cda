{{/* Name of what the chart makes: that of the release, with "modelwright" in it. */}}
{{- define "modelwright.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains "modelwright" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-modelwright" (.Release.Name | trunc 28 | trimSuffix "-") -}}
{{- end -}}
{{- end }}

{{- define "modelwright.name" -}}
{{- default "modelwright" .Values.nameOverride -}}
{{- end }}

{{- define "modelwright.serviceAccountName" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- include "modelwright.fullname" . -}}
{{- else -}}
{{- fail "serviceAccount.name must name an account that is there, since serviceAccount.create is false" -}}
{{- end -}}
{{- end }}

{{/* The lease by which one replica acts. */}}
{{- define "modelwright.lease" -}}
{{- printf "%s-operator" (include "modelwright.fullname" .) -}}
{{- end }}

{{/* The image: a digest decides where it is given; the registry is put in front. */}}
{{- define "modelwright.image" -}}
{{- $name := .Values.image.repository -}}
{{- with .Values.registry }}{{ $name = printf "%s/%s" . $name }}{{ end -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- if and .Values.image.digest .Values.image.tag -}}
{{- printf "%s:%s@%s" $name .Values.image.tag .Values.image.digest -}}
{{- else if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name $tag -}}
{{- end -}}
{{- end }}

{{/* By what pods of this release are selected. */}}
{{- define "modelwright.selectorLabels" -}}
app.kubernetes.io/name: {{ include "modelwright.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "modelwright.labels" -}}
{{- $own := dict
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/managed-by" .Release.Service
      "app.kubernetes.io/part-of" "modelwright"
      "helm.sh/chart" (printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_")) -}}
{{- /* What is selected by cannot be overridden. */ -}}
{{- toYaml (mergeOverwrite $own .Values.commonLabels (include "modelwright.selectorLabels" . | fromYaml)) -}}
{{- end }}

{{/* metadata of an object: "name", "labels" and "annotations" of its own; "namespace" for what is not of the whole cluster. */}}
{{- define "modelwright.metadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- toYaml (mergeOverwrite (dict) (include "modelwright.labels" .context | fromYaml) (default (dict) .labels)) | nindent 2 }}
{{- with mergeOverwrite (dict) .context.Values.commonAnnotations (default (dict) .annotations) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
