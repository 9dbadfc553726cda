import type { KServeVersion } from '../kserve-version.ts';
import type { MarManifest } from './snapshot.ts';

export interface MarFile extends MarManifest {
  /** File name in `model-store/`. */
  readonly file: string;
}

/**
 * A `config.properties` with a snapshot of the given archives, as KServe's TorchServe images expect it: inference on 8085 (KServe's
 * wrapper listens on 8080 and forwards), settings from the environment (KServe sets TS_SERVICE_ENVELOPE) except on KFServing 0.6,
 * which names the envelope in the file.
 */
export function generateProperties(mars: readonly MarFile[], version: KServeVersion): string {
  const models: Record<string, Record<string, unknown>> = {};
  for (const mar of mars.toSorted((a, b) => (a.file < b.file ? -1 : 1))) {
    const versions = models[mar.modelName] ?? {};
    versions[mar.modelVersion] = {
      defaultVersion: Object.keys(versions).length === 0,
      marName: mar.file,
      minWorkers: 1,
      maxWorkers: 5,
      batchSize: 1,
      maxBatchDelay: 100,
      responseTimeout: 120,
    };
    models[mar.modelName] = versions;
  }
  const snapshot = { name: 'startup.cfg', modelCount: mars.length, models };
  const lines = [
    'inference_address=http://0.0.0.0:8085',
    `management_address=http://0.0.0.0:${version === 'kfserving-0.6' ? 8081 : 8085}`,
    'metrics_address=http://0.0.0.0:8082',
    'grpc_inference_port=7070',
    'grpc_management_port=7071',
    'enable_metrics_api=true',
    'metrics_format=prometheus',
    // Else newer ones write their metrics into the log, and the endpoint has none (seen with 0.12).
    'metrics_mode=prometheus',
    'number_of_netty_threads=4',
    'job_queue_size=10',
    version === 'kfserving-0.6' ? 'service_envelope=kfserving' : 'enable_envvars_config=true',
    'install_py_dep_per_model=true',
    'model_store=/mnt/models/model-store',
    `model_snapshot=${JSON.stringify(snapshot)}`,
  ];
  return `${lines.join('\n')}\n`;
}
