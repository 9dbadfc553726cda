/**
 * Why a registry did not answer as asked. The set is closed: status fields, conditions and documentation name these.
 *
 * - `NoSuchTag`, `NoSuchRepository`: the registry says so. One that hides private repositories says `NoSuchRepository` or `Unauthorized` for them too.
 * - `NoMatchingTag`: there are tags, and none lies in the range. `NoSuchPlatform`: the image is not built for the platform.
 * - `Unauthorized`: no credentials, wrong ones, or ones without the right to pull.
 * - `RateLimited`: HTTP 429. `Unreachable`: no connection, or a server error. `Timeout`, `DNS`, `TLS`: as they say.
 * - `HostRefused`: its address is private, loopback or link-local, and the ServingPlatform does not name the registry.
 * - `Malformed`: an answer that is no registry's, or whose content is not what its digest says.
 */
export const registryCauses = [
  'NoSuchTag',
  'NoSuchRepository',
  'NoMatchingTag',
  'NoSuchPlatform',
  'Unauthorized',
  'RateLimited',
  'TLS',
  'DNS',
  'Timeout',
  'Unreachable',
  'HostRefused',
  'Malformed',
] as const;
export type RegistryCause = (typeof registryCauses)[number];
