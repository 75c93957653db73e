{{/* selector has the labels by which objects find the pods. They are those of the manifests, and can never change. */}}
{{- define "setrouter.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
{{- end }}

{{/* metadata has the namespace and the labels of every object. */}}
{{- define "setrouter.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
{{ include "setrouter.labels" . | indent 2 }}
{{- end }}

{{- define "setrouter.labels" -}}
{{ include "setrouter.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "setrouter.serviceAccount" -}}
{{ .Values.serviceAccount.name | default .Values.name }}
{{- end }}

{{/* tag is the image's, which --set makes a number of. */}}
{{- define "setrouter.tag" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- kindIs "string" $tag | ternary $tag ($tag | int64 | toString) }}
{{- end }}

{{/* port is the port of an address HOST:PORT. */}}
{{- define "setrouter.port" -}}
{{ regexFind "[0-9]+$" . }}
{{- end }}

{{/* ports are the names and numbers of the ports of extraListeners. Nacos has a second one, for gRPC. */}}
{{- define "setrouter.ports" -}}
{{- range .Values.extraListeners }}
- {name: {{ .name | trunc 15 | trimSuffix "-" }}, port: {{ .option.listenPort }}}
{{- if eq .name "service-nacos" }}
- {name: nacos-grpc, port: {{ add .option.listenPort 1000 }}}
{{- end }}
{{- end }}
{{- end }}

{{/*
configuration is polaris-server.yaml: the one of the manifests, with what the values say
in place of its lines. Values from the environment are quoted, as no YAML may be made of them.
*/}}
{{- define "setrouter.configuration" -}}
{{- $config := .Files.Get (printf "files/%s.yaml" .Values.mode) | fromYaml }}
{{- if eq .Values.mode "cluster" }}
{{- $_ := set $config.store.option.master "dbAddr" .Values.mysql.address }}
{{- $_ = set $config.store.option.master "dbName" .Values.mysql.database }}
{{- $_ = set $config.store.option.master "dbUser" .Values.mysql.user }}
{{- $_ = set (first $config.healthcheck.checkers).option "kvAddr" .Values.redis.address }}
{{- end }}
{{- if include "setrouter.csv" . }}
{{- $_ := set $config.plugin.cmdb.option "files" (list "conf/mapping/*.yaml" "conf/mapping/*.csv") }}
{{- end }}
{{- $config = mustMergeOverwrite $config (deepCopy .Values.config) }}
{{- $_ := set $config "apiservers" (concat $config.apiservers .Values.extraListeners) }}
{{- regexReplaceAll "(?m): (\\$\\{[A-Za-z0-9_]+\\})$" (toYaml $config) ": '${1}'" }}
{{- end }}

{{/* csv says so if a mapping file of the values is CSV. */}}
{{- define "setrouter.csv" -}}
{{- if not .Values.mapping.existingConfigMap }}
{{- range $name, $text := .Values.mapping.files }}{{ if hasSuffix ".csv" $name }}yes{{ end }}{{ end }}
{{- end }}
{{- end }}
