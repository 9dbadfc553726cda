/** Markdown tables. */

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text inside a table: a bar would end the cell. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** Text outside code, where an angle bracket would begin HTML. */
export function prose(text: string): string {
  return cell(text).replaceAll('<', '&lt;');
}

export function code(text: string): string {
  return `\`${cell(text)}\``;
}
