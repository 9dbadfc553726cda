/** One line of a plot, points in the order they are joined. */
export interface Series {
  readonly name: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly label: string;
    readonly low?: number | null;
    readonly high?: number | null;
    readonly hollow?: boolean;
  }[];
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  /** Names of places on the x axis, where it has no numbers. */
  readonly xTicks?: readonly { readonly at: number; readonly label: string }[];
  readonly y: string;
  readonly logarithmicY?: boolean;
  /** A horizontal line, e.g. a bound. */
  readonly line?: { readonly y: number; readonly label: string };
}

const size = { width: 640, height: 360, left: 70, right: 150, top: 34, bottom: 46 };
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#999933'];
/** Lines that can be told apart. */
export const mostSeries = colours.length;

/** An inline SVG line plot: axes with round ticks, a legend, a tooltip on every point, whiskers where there is an interval. */
export function plot(series: readonly Series[], options: PlotOptions): string {
  const all = series.flatMap((one) => one.points).filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  if (all.length === 0) return '';
  const values = all
    .flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y])
    .concat(options.line === undefined ? [] : [options.line.y]);
  const log = options.logarithmicY === true && values.every((value) => value > 0);
  const forward = (value: number) => (log ? Math.log10(value) : value);
  const names = options.xTicks;
  const xRange: [number, number] =
    names === undefined
      ? range(
          all.map((point) => point.x),
          true,
        )
      : [Math.min(...names.map(({ at }) => at)) - 0.5, Math.max(...names.map(({ at }) => at)) + 0.5];
  const yRange = log ? range(values.map(forward), false) : range(values, true);
  const x = (value: number) => size.left + ((value - xRange[0]) / (xRange[1] - xRange[0])) * (size.width - size.left - size.right);
  const y = (value: number) =>
    size.height - size.bottom - ((forward(value) - yRange[0]) / (yRange[1] - yRange[0])) * (size.height - size.top - size.bottom);
  const right = size.width - size.right;

  const parts: string[] = [
    `<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escapeHtml(options.title)}"><text x="${size.left}" y="18" class="title">${escapeHtml(options.title)}</text>`,
  ];
  for (const { at, label } of names ?? ticks(xRange).map((tick) => ({ at: tick, label: short(tick) }))) {
    parts.push(
      `<line x1="${n(x(at))}" y1="${size.top}" x2="${n(x(at))}" y2="${size.height - size.bottom}" class="grid"/><text x="${n(x(at))}" y="${size.height - size.bottom + 16}" text-anchor="middle">${escapeHtml(label)}</text>`,
    );
  }
  for (const tick of log ? logTicks(yRange) : ticks(yRange)) {
    parts.push(
      `<line x1="${size.left}" y1="${n(y(tick))}" x2="${right}" y2="${n(y(tick))}" class="grid"/><text x="${size.left - 6}" y="${n(y(tick) + 4)}" text-anchor="end">${short(tick)}</text>`,
    );
  }
  parts.push(`<text x="${(size.left + right) / 2}" y="${size.height - 8}" text-anchor="middle">${escapeHtml(options.x)}</text>`);
  parts.push(
    `<text transform="translate(14 ${(size.height - size.bottom + size.top) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(options.y)}</text>`,
  );
  if (options.line !== undefined) {
    parts.push(
      `<line x1="${size.left}" y1="${n(y(options.line.y))}" x2="${right}" y2="${n(y(options.line.y))}" class="bound"/><text x="${right - 4}" y="${n(y(options.line.y) - 4)}" text-anchor="end" class="boundlabel">${escapeHtml(options.line.label)}</text>`,
    );
  }
  for (const [i, one] of series.entries()) {
    const colour = colours[i % colours.length] as string;
    const joined = one.points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
    parts.push(
      `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${joined.map((point) => `${n(x(point.x))},${n(y(point.y))}`).join(' ')}"/>`,
    );
    for (const point of joined) {
      if (typeof point.low === 'number' && typeof point.high === 'number' && (!log || point.low > 0)) {
        parts.push(
          `<line x1="${n(x(point.x))}" y1="${n(y(point.low))}" x2="${n(x(point.x))}" y2="${n(y(point.high))}" stroke="${colour}" stroke-opacity="0.5"/>`,
        );
      }
      parts.push(
        `<circle cx="${n(x(point.x))}" cy="${n(y(point.y))}" r="3.5" stroke="${colour}" fill="${point.hollow === true ? '#fff' : colour}"><title>${escapeHtml(point.label)}</title></circle>`,
      );
    }
    parts.push(
      `<rect x="${right + 12}" y="${size.top + i * 18}" width="10" height="10" fill="${colour}"/><text x="${right + 27}" y="${size.top + 9 + i * 18}">${escapeHtml(one.name)}</text>`,
    );
  }
  parts.push('</svg>');
  return parts.join('');
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function range(values: readonly number[], fromZero: boolean): [number, number] {
  const low = fromZero ? Math.min(0, ...values) : Math.min(...values);
  const high = Math.max(...values);
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
  return [fromZero && low === 0 ? 0 : low - margin, high + margin];
}

function ticks([low, high]: readonly [number, number]): number[] {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
  const found: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) found.push(Number(tick.toPrecision(12)));
  return found;
}

function logTicks([low, high]: readonly [number, number]): number[] {
  const found: number[] = [];
  for (let exponent = Math.floor(low); exponent <= Math.ceil(high); exponent++) {
    for (const factor of high - low > 2 ? [1] : [1, 2, 5]) {
      const tick = factor * 10 ** exponent;
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) found.push(Number(tick.toPrecision(6)));
    }
  }
  return found;
}

function short(value: number): string {
  return Math.abs(value) >= 10_000 ? `${Number((value / 1000).toPrecision(4))}k` : String(Number(value.toPrecision(4)));
}

function n(value: number): string {
  return value.toFixed(1);
}
