/**
 * Cuts a byte stream into lines, without their ends. Works on bytes, since a character may be cut in two between chunks. A last line without an end
 * is not given: the connection broke within it.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end);
      start = end + 1;
      if (parts.length === 0) {
        if (piece.length > 0) yield piece;
        continue;
      }
      parts.push(piece);
      const line = Buffer.concat(parts);
      parts = [];
      yield line;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
}
