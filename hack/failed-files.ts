/** A reporter for Node's test runner that gives the files in which a test failed, one a line. */
interface TestEvent {
  readonly type: string;
  readonly data: { readonly file?: string };
}

// biome-ignore lint/style/noDefaultExport: Node takes a reporter from its module's default export
export default async function* failedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files = new Set<string>();
  for await (const { type, data } of events) if (type === 'test:fail' && data.file !== undefined) files.add(data.file);
  yield [...files].map((file) => `${file}\n`).join('');
}
