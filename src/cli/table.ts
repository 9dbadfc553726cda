/** A column of a printed table: its heading, and the cell of a row; an empty cell prints as `<none>`. */
export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
}

const gap = '   ';

/** Rows under headings, columns as wide as their widest cell: the form of `kubectl get`. Ends with a line break. */
export function printTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ heading }) => heading.toUpperCase()),
    ...rows.map((row) => columns.map(({ cell }) => oneLine(cell(row)) || '<none>')),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => displayWidth(line[column] ?? ''))));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => pad(cell, widths[column] ?? 0))
          .join(gap)
          .trimEnd()}\n`,
    )
    .join('');
}

/** A cell must not break the table, nor carry control characters of somebody's annotation to the terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(width - displayWidth(text));
}

/** Terminal columns that `text` takes: East Asian wide characters take two. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : 1;
  return width;
}

const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;
