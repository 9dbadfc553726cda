import { integers, messages, readProto, strings } from './protobuf.ts';
import type { ProtocolName } from './protocol.ts';

/** What a reply must be. Plain data for sending threads. */
export interface ReplyCheck {
  readonly protocol: ProtocolName;
  readonly batchSize: number;
  /** Whether the first dimension of every output must be the batch. */
  readonly batched: boolean;
  /** A shorter reply is an error without being parsed. */
  readonly minimumBytes: number;
}

/** Parses a reply and checks its shape and batch. Undefined when it is as it should be, else what is wrong, in words. */
export function checkReply(check: ReplyCheck, body: Buffer): string | undefined {
  try {
    switch (check.protocol) {
      case 'v1':
        return checkV1(check, parseJson(body));
      case 'v2':
      case 'v2-binary':
        return checkV2(check, body);
      case 'torchserve':
        return checkTorchServe(check, body);
      case 'grpc-v2':
        return checkGrpcV2(check, body);
      case 'grpc-tfserving':
        return checkGrpcTfServing(check, body);
      case 'http':
        return undefined;
    }
  } catch (error) {
    return `the reply cannot be read: ${(error as Error).message}`;
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new Error(`it is not JSON: ${JSON.stringify(body.toString('utf8', 0, 60))}`);
  }
}

function errorOf(reply: unknown): string | undefined {
  const error = typeof reply === 'object' && reply !== null && 'error' in reply ? reply.error : undefined;
  return error === undefined || error === null || error === false || error === ''
    ? undefined
    : `the reply says: ${String(typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 300)}`;
}

function checkV1(check: ReplyCheck, reply: unknown): string | undefined {
  const said = errorOf(reply);
  if (said !== undefined) return said;
  const { predictions, outputs } = reply as { predictions?: unknown; outputs?: unknown };
  if (outputs !== undefined) return undefined;
  if (!Array.isArray(predictions)) return 'the reply has no "predictions"';
  return check.batched && predictions.length !== check.batchSize
    ? `${predictions.length} predictions for a batch of ${check.batchSize}`
    : undefined;
}

function checkV2(check: ReplyCheck, body: Buffer): string | undefined {
  const reply = parseJson(check.protocol === 'v2-binary' ? body.subarray(0, jsonLength(body)) : body);
  const said = errorOf(reply);
  if (said !== undefined) return said;
  const { outputs } = reply as {
    outputs?: { name?: string; shape?: number[]; data?: unknown[]; parameters?: { binary_data_size?: number } }[];
  };
  if (!Array.isArray(outputs) || outputs.length === 0) return 'the reply has no "outputs"';
  let binary = 0;
  for (const output of outputs) {
    const wrong = checkShape(check, output.name ?? '', output.shape ?? []);
    if (wrong !== undefined) return wrong;
    const length = (output.shape ?? []).reduce((product, size) => product * size, 1);
    binary += output.parameters?.binary_data_size ?? 0;
    const count = output.data?.flat(16).length;
    if (count !== undefined && count !== length)
      return `output "${output.name}" has ${count} values for the shape [${output.shape?.join(', ')}]`;
  }
  if (binary > 0 && jsonLength(body) + binary !== body.length)
    return `the reply has ${body.length - jsonLength(body)} bytes of tensors and announces ${binary}`;
  return undefined;
}

/** With the binary extension the JSON header is followed by raw tensors; it ends where its braces do. */
export function jsonLength(body: Buffer): number {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (quoted) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x7b) depth++;
    else if (byte === 0x7d && --depth === 0) return at + 1;
  }
  return body.length;
}

function checkShape(check: ReplyCheck, name: string, shape: readonly number[]): string | undefined {
  if (!check.batched || shape.length === 0 || shape[0] === check.batchSize) return undefined;
  return `output "${name}" has the shape [${shape.join(', ')}] for a batch of ${check.batchSize}`;
}

/** TorchServe answers whatever its handler returns; its own errors are `{"code": …, "type": …, "message": …}`. */
function checkTorchServe(check: ReplyCheck, body: Buffer): string | undefined {
  const text = body.toString();
  if (!/^\s*[[{]/.test(text)) return text.trim() === '' ? 'the reply is empty' : undefined;
  const reply = parseJson(body) as { code?: unknown; message?: unknown; predictions?: unknown };
  if (reply.code !== undefined && reply.message !== undefined) return `the reply says: ${String(reply.message).slice(0, 300)}`;
  if (Array.isArray(reply.predictions)) return checkV1(check, reply);
  return undefined;
}

function checkGrpcV2(check: ReplyCheck, body: Buffer): string | undefined {
  const outputs = messages(readProto(body), 5);
  if (outputs.length === 0) return 'the reply has no outputs';
  for (const output of outputs) {
    const wrong = checkShape(check, strings(output, 1)[0] ?? '', integers(output, 3));
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** PredictResponse {outputs 1: map of TensorProto {tensor_shape 2 {dim 2 {size 1}}}}. A signature may have outputs without a batch beside those with one. */
function checkGrpcTfServing(check: ReplyCheck, body: Buffer): string | undefined {
  const outputs = messages(readProto(body), 1);
  if (outputs.length === 0) return 'the reply has no outputs';
  const wrong = outputs.map((output) => {
    const [tensor] = messages(output, 2);
    const [dimensions] = messages(tensor ?? [], 2);
    const shape = messages(dimensions ?? [], 2).map((dim) => integers(dim, 1)[0] ?? 0);
    return checkShape(check, strings(output, 1)[0] ?? '', shape);
  });
  return wrong.includes(undefined) ? undefined : wrong[0];
}
