/** What the generator needs to know of a kind, and what clients need to address it. */
import type { TSchema } from 'typebox';
import type { Rule } from './rule.ts';

export const group = 'modelwright.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

/**
 * metadata of our kinds, as far as it is read. Cluster-scoped objects have no namespace. The client has the same words with owner references
 * (`src/kube/object.ts`), and knows nothing of this folder, as this one knows no client.
 */
export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** 0 is shown always, 1 with `-o wide`. */
  readonly priority?: 0 | 1;
}

export interface KindDefinition<T> {
  readonly group: typeof group;
  readonly version: typeof version;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly description: string;
  readonly spec: TSchema;
  readonly status: TSchema;
  readonly rules: readonly Rule<T>[];
  /** Condition types in status, and what each says when it is True. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly columns: readonly PrinterColumn[];
  /** Fields for `kubectl get --field-selector` (Kubernetes ≥ 1.31). */
  readonly selectableFields: readonly string[];
  /** Never set: carries the object's type to typed clients. */
  readonly object?: T;
}
