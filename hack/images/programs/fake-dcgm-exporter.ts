/** A fake DCGM exporter: it tells as NVIDIA's does of GPUs that do not exist, and its figures are what a test puts there (`PUT /gpus`). */
import { defaultExporterPort } from '../../../src/api/serving-platform/dcgm-exporter.ts';
import { startDcgmExporter } from '../../../test/support/dcgm-exporter.ts';

process.on('SIGTERM', () => process.exit(0));
void startDcgmExporter([], { address: '0.0.0.0', port: defaultExporterPort, obeys: true });
