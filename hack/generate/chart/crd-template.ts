/** A CustomResourceDefinition as a template: Helm brings it up to date with each upgrade, which it does not do for a chart's `crds` folder. */
import { customResourceDefinition } from '../crd.ts';
import { toYaml } from '../yaml.ts';
import type { AnyKind } from './files.ts';

export function crdTemplate(kind: AnyKind): string {
  const {
    apiVersion,
    kind: crd,
    metadata,
    spec,
  } = customResourceDefinition(kind) as Record<string, never> & { metadata: { name: string } };
  return `{{- /* Generated from src/api by "npm run generate"; do not edit. */}}
{{- if .Values.crds.install }}
apiVersion: ${apiVersion}
kind: ${crd}
metadata:
  {{- include "modelwright.metadata" (dict
        "context" .
        "name" "${metadata.name}"
        "annotations" (ternary (dict "helm.sh/resource-policy" "keep") (dict) .Values.crds.keep)) | nindent 2 }}
${escaped(toYaml({ spec }))}{{- end }}
`;
}

/** What Helm would take for an instruction stays text. */
function escaped(text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}');
}
