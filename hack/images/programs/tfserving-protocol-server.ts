/**
 * A test server that speaks TensorFlow Serving's protocols, with the arguments by which KServe's runtime starts TensorFlow Serving. It is not
 * TensorFlow Serving, whose binary is in no package registry, and it computes nothing with TensorFlow: whatever the model is, the answer is
 * the sum of each row. As the real one it serves the highest numbered folder that has a saved_model.pb, and does not listen without one.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTfServingProtocol } from '../../../test/load/servers/tfserving-protocol.ts';

const { values } = parseArgs({
  strict: false,
  options: {
    model_name: { type: 'string', default: 'default' },
    model_base_path: { type: 'string', default: '/models' },
    port: { type: 'string', default: '8500' },
    rest_api_port: { type: 'string', default: '8501' },
  },
});
const folder = String(values['model_base_path']);
const [version] = readdirSync(folder)
  .filter((name) => /^[0-9]+$/.test(name) && existsSync(join(folder, name, 'saved_model.pb')))
  .sort((a, b) => Number(b) - Number(a));
if (version === undefined) {
  console.error(`No versions of servable ${values['model_name']} found under base path ${folder}`);
  process.exit(1);
}
console.log(`test server for the protocols of TensorFlow Serving: ${values['model_name']} version ${version}`);
process.on('SIGTERM', () => process.exit(0));
void startTfServingProtocol({
  model: String(values['model_name']),
  version,
  host: '0.0.0.0',
  httpPort: Number(values['rest_api_port']),
  grpcPort: Number(values['port']),
});
