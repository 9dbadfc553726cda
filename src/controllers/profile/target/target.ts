/** What a run loads, read from the caches in one go. */

import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { LoadProtocol } from '../../../api/model-profile/target.ts';

export type TargetProvenance = Omit<NonNullable<ModelProfileStatus['provenance']>, 'tool'>;

/** A pod of the target, as far as measurements depend on it. */
export interface TargetPod {
  readonly name: string;
  readonly uid: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Images that its containers run, by digest where the node tells. */
  readonly images: readonly string[];
  readonly node?: string;
  readonly ip?: string;
  /** GPUs and slices of GPUs that it has asked for. */
  readonly gpus: number;
}

export interface ReadyTarget {
  /** Base address; `grpc://` for gRPC. */
  readonly url: string;
  readonly protocol: LoadProtocol;
  /** Absent only for plain HTTP. */
  readonly modelName?: string;
  /** Label that all pods of the target have; absent for a URL. */
  readonly podLabel?: { readonly key: string; readonly value: string };
  readonly pods: readonly TargetPod[];
  /** Prometheus text of the model server, where its place is known. */
  readonly metricsUrl?: string;
  /** Triton's HTTP address, where its statistics are told elsewhere than at `url`. */
  readonly statsUrl?: string;
  /** DCGM exporter of the node that the model runs on. */
  readonly dcgmUrl?: string;
  /** Labels that the exporter's samples of the model's GPUs have. */
  readonly gpuLabels?: Readonly<Record<string, string>>;
  /** What the load pod may connect to, as `modelwright bench --allow-addresses` takes it; absent: anything. */
  readonly addresses?: readonly string[];
  readonly provenance: TargetProvenance;
}

/**
 * `Refused`: somebody has to change something first. `NotReady`: it may become ready by itself. `Unread`: the caches do not know yet.
 */
export type TargetState = { readonly label: string } & (
  | { readonly kind: 'Unread' }
  | { readonly kind: 'Refused'; readonly reason: string; readonly message: string }
  | { readonly kind: 'NotReady'; readonly reason: string; readonly message: string }
  | { readonly kind: 'Ready'; readonly target: ReadyTarget }
);
