/**
 * Answers V2 inference requests after 5 ms, whatever they ask: what a measurement of it must find is known beforehand.
 *
 *   node hack/demo/known-truth-server.ts PORT
 */
import { createServer, type ServerResponse } from 'node:http';

const name = 'known-truth';
const serviceMilliseconds = 5;

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const url = request.url ?? '';
    if (url === `/v2/models/${name}/ready`) return reply(response, 200, {});
    if (url === `/v2/models/${name}`)
      return reply(response, 200, {
        name,
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
      });
    if (url !== `/v2/models/${name}/infer`) return reply(response, 404, { error: `${url} is not here` });
    const rows = (JSON.parse(Buffer.concat(chunks).toString()) as { inputs: [{ shape: [number] }] }).inputs[0].shape[0];
    const outputs = [{ name: 'y', datatype: 'FP32', shape: [rows, 1], data: new Array(rows).fill(0.5) }];
    setTimeout(() => reply(response, 200, { model_name: name, outputs }), serviceMilliseconds);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[2]), '127.0.0.1');
