import { parseImage, registryOf } from '../models/image-reference.ts';

/** What to do about an image that cannot be pulled, by the words of registry and container runtime. `field` is what named the image. */
export function remedyForPull(message: string, image: string, field: string): string {
  const registry = registryOf(image);
  if (/not found|manifest unknown|does not exist|NotFound|name unknown/i.test(message) && !/authoriz|denied/i.test(message)) {
    return `the tag or image does not exist: correct ${field}`;
  }
  if (/unauthorized|authentication required|denied|forbidden|401|403/i.test(message)) {
    return `${registry} wants credentials: add the Secret to spec.imagePullSecrets, or correct ${field}`;
  }
  if (/toomanyrequests|rate limit|429/i.test(message))
    return `${registry} limits anonymous pulls: add a Secret to spec.imagePullSecrets, or mirror the image`;
  if (/no such host|i\/o timeout|connection refused|dial tcp|deadline exceeded|TLS|certificate|x509/i.test(message)) {
    return `the node cannot reach ${registry}: check its network, proxy and certificates, or use a mirror`;
  }
  if (/no space left|disk pressure/i.test(message)) return 'the node is out of disk space: free some, or use a bigger one';
  if (/no match for platform|exec format/i.test(message))
    return `the image is not built for the CPU architecture of the node: correct ${field}`;
  if (/InvalidImageName|invalid reference/i.test(message)) return `the image name is not valid: correct ${field}`;
  return `check ${field} and that the node may pull from ${registry}`;
}

/** What Knative's skip list calls the registry of an image: Docker Hub goes by `index.docker.io` there. */
export function skipListName(image: string): string {
  const registry = registryOf(parseImage(image).repository);
  return registry === 'docker.io' ? 'index.docker.io' : registry;
}
