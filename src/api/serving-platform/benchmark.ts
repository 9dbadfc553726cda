/** What holds for the measurements of all ModelProfiles. */
import { integer, list, object, Type, text } from '../schema.ts';
import { dcgmExporterSchema } from './dcgm-exporter.ts';

export const benchmarkSchema = object('The Jobs that send load, in the namespaces of the ModelProfiles.', {
  image: Type.Optional(
    text('Image with the program modelwright. Omitted: that of the operator.', 512, { minLength: 1, pattern: '^[A-Za-z0-9][^\\s]*$' }),
  ),
  cpus: Type.Optional(
    integer('Whole CPUs of each load pod; all but one of them send. One alone may be throttled, which makes points invalid.', {
      minimum: 1,
      maximum: 64,
      default: 2,
    }),
  ),
  maxConcurrentRuns: Type.Optional(
    integer('Runs of ModelProfiles at once in the whole cluster; the others wait for their turn.', {
      minimum: 1,
      maximum: 100,
      default: 1,
    }),
  ),
  dcgmExporter: Type.Optional(dcgmExporterSchema),
});

export const targetHostsSchema = list(
  'What spec.target.url of a ModelProfile may name: a host, host:port, *.example.com for every host below it, an address, or a range as 10.0.0.0/8. None where the list is absent. A host named letter by letter may have a private address, one below a wildcard may not; loopback and link-local addresses must be listed themselves. The load pod checks the address again once it has resolved the name.',
  Type.String({ maxLength: 259, minLength: 1 }),
  128,
);
