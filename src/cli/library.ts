/** The library: ModelDeployments as rows that a person chooses a model from. */
import type { ModelDeployment } from '../api/model-deployment/index.ts';
import { protocolsOf } from '../api/model-deployment/runtime.ts';
import type { Column } from './table.ts';

/** What rows must have; every given field must match. */
export interface LibraryFilter {
  readonly framework?: string;
  readonly task?: string;
  readonly runtime?: string;
  readonly dataset?: string;
  readonly architecture?: string;
  readonly parent?: string;
  readonly ready?: boolean;
}

type Row = ModelDeployment;

export function readyOf({ status }: Row): { readonly status: string; readonly reason: string } {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return { status: ready?.status ?? 'Unknown', reason: ready?.reason ?? 'NotObserved' };
}

/** Words are compared without regard to case, since people type `tensorflow` and `Image-Classification`. */
export function matches(row: Row, filter: LibraryFilter): boolean {
  const { spec } = row;
  const same = (wanted: string | undefined, actual: string | undefined) =>
    wanted === undefined || actual?.toLowerCase() === wanted.toLowerCase();
  return (
    same(filter.framework, spec.model?.framework) &&
    same(filter.task, spec.model?.task) &&
    same(filter.runtime, spec.runtime.type) &&
    same(filter.dataset, spec.model?.dataset) &&
    same(filter.architecture, spec.model?.architecture) &&
    same(filter.parent, spec.model?.parent) &&
    (filter.ready === undefined || (readyOf(row).status === 'True') === filter.ready)
  );
}

/** By namespace and name, as the API server lists. */
export function sortRows(rows: readonly Row[]): Row[] {
  const key = ({ metadata }: Row) => `${metadata.namespace ?? ''}/${metadata.name}`;
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

export function libraryColumns(options: { readonly wide: boolean; readonly namespaces: boolean }): Column<Row>[] {
  const columns: Column<Row>[] = [
    { heading: 'Model', cell: ({ metadata }) => metadata.name },
    {
      heading: 'Description',
      cell: ({ spec }) => (options.wide ? (spec.model?.description ?? '') : shorten(spec.model?.description ?? '', 40)),
    },
    { heading: 'Task', cell: ({ spec }) => spec.model?.task ?? '' },
    { heading: 'Framework', cell: ({ spec }) => spec.model?.framework ?? '' },
    { heading: 'Runtime', cell: ({ spec }) => spec.runtime.type },
    { heading: 'Protocol', cell: ({ spec }) => spec.runtime.protocol ?? protocolsOf[spec.runtime.type][0] },
    { heading: 'Version', cell: serverVersion },
    { heading: 'Ready', cell: readyCell },
    { heading: 'URL', cell: ({ status }) => status?.addresses?.external?.url ?? status?.addresses?.internal?.url ?? '' },
  ];
  if (options.namespaces) columns.unshift({ heading: 'Namespace', cell: ({ metadata }) => metadata.namespace ?? '' });
  if (!options.wide) return columns;
  return [
    ...columns,
    { heading: 'Model version', cell: ({ spec }) => String(spec.model?.version ?? '') },
    { heading: 'Architecture', cell: ({ spec }) => spec.model?.architecture ?? '' },
    { heading: 'Format', cell: ({ spec }) => spec.model?.format ?? '' },
    { heading: 'Dataset', cell: ({ spec }) => spec.model?.dataset ?? '' },
    { heading: 'Metrics', cell: ({ spec }) => (spec.model?.metrics ?? []).map(({ name, value }) => `${name}=${value}`).join(',') },
    { heading: 'License', cell: ({ spec }) => spec.model?.license ?? '' },
    { heading: 'Documentation', cell: ({ spec }) => spec.model?.documentationURL ?? '' },
    {
      heading: 'Attributes',
      cell: ({ spec }) =>
        Object.entries(spec.model?.attributes ?? {})
          .map(([name, value]) => `${name}=${value}`)
          .join(','),
    },
    { heading: 'Mode', cell: ({ status }) => status?.deploymentMode ?? '' },
    { heading: 'Image', cell: ({ status }) => status?.runtime?.image ?? '' },
  ];
}

/** Version of the model server: the tag or digest asked for, else that of the image in use. */
function serverVersion({ spec, status }: Row): string {
  return spec.runtime.version ?? /[:@]([^:/@]+(?::[0-9a-f]+)?)$/.exec(status?.runtime?.image ?? '')?.[1] ?? '';
}

/** `True`, or the state with its reason, which is what a person wants to know next. */
function readyCell(row: Row): string {
  const { status, reason } = readyOf(row);
  return status === 'True' ? status : `${status} (${reason})`;
}

function shorten(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}
