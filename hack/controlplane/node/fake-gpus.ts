/**
 * Fake GPUs: a device plugin that gives the kubelet `nvidia.com/gpu` devices behind which there is nothing. Scheduling, limits and the
 * environment of containers are as with real ones; a program that looks for a GPU finds none.
 *
 *   node fake-gpus.ts COUNT           in the namespaces of a node
 *
 * The protocol is v1beta1 of the kubelet's device plugins. Registers again whenever the kubelet starts, which forgets its plugins.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Server, ServerCredentials, type ServerWritableStream, type ServiceDefinition } from '@grpc/grpc-js';
import { fields, message, text } from './protobuf.ts';

const FOLDER = '/var/lib/kubelet/device-plugins';
const ENDPOINT = 'modelwright-fake-gpus.sock';
const RESOURCE = 'nvidia.com/gpu';

const ids = Array.from({ length: Number(process.argv[2] ?? 4) }, (_, index) => `GPU-fake-${index}`);
const own = join(FOLDER, ENDPOINT);
const kubelet = join(FOLDER, 'kubelet.sock');

const raw = { requestSerialize: (bytes: Buffer) => bytes, requestDeserialize: (bytes: Buffer) => bytes };
const method = (name: string, responseStream = false) => ({
  path: `/v1beta1.DevicePlugin/${name}`,
  requestStream: false,
  responseStream,
  ...raw,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
});
const service: ServiceDefinition = {
  GetDevicePluginOptions: method('GetDevicePluginOptions'),
  ListAndWatch: method('ListAndWatch', true),
  Allocate: method('Allocate'),
};

const server = new Server();
server.addService(service, {
  GetDevicePluginOptions: (_call: unknown, done: (error: null, answer: Buffer) => void) => done(null, Buffer.alloc(0)),
  // The devices never change, and the stream stays open for as long as the kubelet wants it.
  ListAndWatch: (call: ServerWritableStream<Buffer, Buffer>) =>
    call.write(Buffer.concat(ids.map((id) => message(1, text(1, id), text(2, 'Healthy'))))),
  Allocate: ({ request }: { request: Buffer }, done: (error: null, answer: Buffer) => void) => done(null, allocated(request)),
});

/** What NVIDIA's own plugin tells a container by its environment. */
function allocated(request: Buffer): Buffer {
  const containers = fields(request).map((container) => fields(container).map(String));
  return Buffer.concat(containers.map((devices) => message(1, message(1, text(1, 'NVIDIA_VISIBLE_DEVICES'), text(2, devices.join(','))))));
}

function register(): Promise<void> {
  const client = new Client(`unix://${kubelet}`, credentials.createInsecure());
  const request = Buffer.concat([text(1, 'v1beta1'), text(2, ENDPOINT), text(3, RESOURCE)]);
  return new Promise((done, fail) => {
    const call = { path: '/v1beta1.Registration/Register', deadline: Date.now() + 5_000 };
    client.makeUnaryRequest(
      call.path,
      raw.requestSerialize,
      (bytes) => bytes,
      request,
      { deadline: call.deadline },
      (error) => {
        client.close();
        if (error) fail(error);
        else done();
      },
    );
  });
}

async function listen(): Promise<void> {
  rmSync(own, { force: true });
  await new Promise<void>((done, fail) =>
    server.bindAsync(`unix://${own}`, ServerCredentials.createInsecure(), (error) => (error ? fail(error) : done())),
  );
}

/** A kubelet that starts empties the folder and makes its socket anew. */
for (let registered = 0; ; await sleep(500)) {
  const made = statSync(kubelet, { throwIfNoEntry: false })?.ino ?? 0;
  if (made === 0 || (made === registered && existsSync(own))) continue;
  try {
    await listen();
    await register();
    registered = made;
    console.log(`the kubelet knows of ${ids.length} fake ${RESOURCE}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
}
