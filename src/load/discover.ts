import { misfitOf } from './misfit.ts';
import type { Payload } from './payload.ts';
import {
  grpcTfServingMetadataPath,
  grpcTfServingMetadataRequest,
  grpcTfServingSignature,
  grpcV2Metadata,
  grpcV2MetadataPath,
  grpcV2MetadataRequest,
} from './protocol/grpc.ts';
import type { ModelAddress, ProtocolName } from './protocol/protocol.ts';
import { type Signature, signatureFromTfServing, signatureFromV2 } from './protocol/signature.ts';
import { exchangeOnce, getText, onceLimits, withBody } from './transport/once.ts';
import { describeTarget, type Target, UsageError } from './transport/target.ts';

/** The server does not do what it must before it can be measured; the message has its own words. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  readonly code = 'Target';
  /** Whether it is the payload that the server cannot take: then no later attempt fares better. */
  readonly isPayload: boolean;

  constructor(message: string, { isPayload = false }: { readonly isPayload?: boolean } = {}) {
    super(message);
    this.isPayload = isPayload;
  }
}

/** Asks the server what the model takes. Throws a `TargetError` when it does not answer, a `UsageError` when the protocol has no such question. */
export async function discoverSignature(
  target: Target,
  protocol: ProtocolName,
  model: ModelAddress,
  signal?: AbortSignal,
): Promise<Signature> {
  const where = describeTarget(target);
  const name = encodeURIComponent(model.name);
  const version = model.version === null ? '' : `/versions/${encodeURIComponent(model.version)}`;
  const text = async (path: string) => {
    const answer = await getText(target, path, signal);
    if ('text' in answer) return answer.text;
    throw new TargetError(notServed(where, model, answer.failure, answer.status));
  };
  const call = async (path: string, body: Buffer) => {
    const outcome = await exchangeOnce(target, 'grpc', { method: 'POST', path, headers: [], body }, onceLimits, signal);
    if (outcome.error !== null) throw new TargetError(notServed(where, model, outcome.message, outcome.status));
    return outcome.body ?? Buffer.alloc(0);
  };
  switch (protocol) {
    case 'v2':
    case 'v2-binary':
      return signatureFromV2(parse(await text(`/v2/models/${name}${version}`), where));
    case 'v1':
      return signatureFromTfServing(parse(await text(`/v1/models/${name}${version}/metadata`), where), model.signatureName);
    case 'grpc-v2':
      return signatureFromV2(grpcV2Metadata(await call(grpcV2MetadataPath, grpcV2MetadataRequest(model))));
    case 'grpc-tfserving': {
      const signature = grpcTfServingSignature(
        await call(grpcTfServingMetadataPath, grpcTfServingMetadataRequest(model)),
        model.signatureName,
      );
      if (signature === undefined)
        throw new UsageError(`the server's metadata has no signature "${model.signatureName}"; give one with --signature`);
      return signature;
    }
    case 'torchserve':
    case 'http':
      throw new UsageError(
        `${protocol === 'http' ? 'plain HTTP' : 'TorchServe'} does not tell what a model takes; give a sample with --payload or a body with --body-file`,
      );
  }
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TargetError(
      `${where} answers the question for the model's metadata with something that is not JSON: ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
}

function notServed(where: string, model: ModelAddress, failure: string, status: number): string {
  if (status === 404 || status === 5)
    return `${where} does not serve a model named "${model.name}" under this protocol (${failure}); check --model, --protocol and --host-header`;
  return `${where} could not be asked about the model "${model.name}": ${failure}`;
}

/** Statuses by which a server says that a request is not what it takes. */
const payloadStatuses: readonly number[] = [400, 415, 422];

/** The failure of the first inference request. Where the server may have stumbled over a sample, that is held against what it says the model takes. */
export async function firstFailure(
  {
    target,
    protocol,
    model,
    payload,
  }: { readonly target: Target; readonly protocol: ProtocolName; readonly model: ModelAddress; readonly payload: Payload },
  outcome: Parameters<typeof withBody>[0],
  signal?: AbortSignal,
): Promise<TargetError> {
  const said = explainFirstFailure(target, outcome, model);
  const isRefusal = payloadStatuses.includes(outcome.status);
  const answered = outcome.error !== null && ['http4xx', 'http5xx', 'grpc'].includes(outcome.error);
  if (payload.kind === 'samples' && answered) {
    const signature = await discoverSignature(target, protocol, model, signal).catch(() => undefined);
    const misfit = signature === undefined ? undefined : misfitOf(payload, signature);
    if (misfit !== undefined) return new TargetError(`the payload does not fit the signature: ${misfit}. ${said}`, { isPayload: true });
  }
  return new TargetError(said, { isPayload: isRefusal });
}

/** A failure of the first inference request, as a sentence with what can be done about it. */
export function explainFirstFailure(target: Target, outcome: Parameters<typeof withBody>[0], model: ModelAddress): string {
  const where = describeTarget(target);
  const said = withBody(outcome);
  switch (outcome.error) {
    case 'connect':
      return `no connection to ${where}: ${said}; check the address and that the server is running`;
    case 'tls':
      return `the TLS handshake with ${where} failed: ${said}; give the CA with --ca-file, or check --host-header`;
    case 'timeout':
      return `${where} did not answer the first request: ${said}; raise --timeout if the model is this slow`;
    case 'tooLarge':
      return `${where} sends too long a reply: ${said}; raise --max-body if that is right`;
    case 'http4xx':
      if (outcome.status === 404)
        return `${where} does not know the model "${model.name}" or the path: ${said}; check --model, --model-version and --protocol`;
      if (outcome.status === 401 || outcome.status === 403)
        return `${where} refuses access: ${said}; give a token with --token-file or --token-command`;
      return `${where} refuses the request: ${said}; check the payload's names, types and shapes`;
    case 'badBody':
      return `${where} answered, but not with a prediction: ${said}`;
    default:
      return `the first request to ${where} failed: ${said}`;
  }
}
