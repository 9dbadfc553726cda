/** Bytes that one call of a deflater takes; a file is cut into chunks of this size, which are compressed independently. */
export const chunkBytes = 1 << 20;
/** How much of the text before a chunk may be referred to. */
export const dictionaryBytes = 32768;

/** Compresses `data` from `start` on (what lies before is the dictionary); all but the last chunk end on a byte boundary. */
export type Deflate = (data: Uint8Array, start: number, last: boolean) => Uint8Array;

/**
 * Makes a DEFLATE compressor (RFC 1951) whose output depends on nothing but its input.
 *
 * zlib does not promise that: the copy inside Node picks its hash by the processor's instructions, so two machines may compress the same
 * bytes differently, and a package named by its digest would get two names. Only integer arithmetic is used here.
 *
 * The function refers to nothing outside itself, because its text is what worker threads run.
 */
export function createDeflate(): Deflate {
  const windowSize = 32768;
  const hashSize = 32768;
  const minMatch = 3;
  const maxMatch = 258;
  const niceMatch = 96;
  const maxChain = 24;
  const maxSymbols = 1 << 15;

  const head = new Int32Array(hashSize);
  const previous = new Int32Array(windowSize);
  // A token is a literal (distance 0, value in `lengths`) or a match.
  const lengths = new Uint16Array(maxSymbols);
  const distances = new Uint16Array(maxSymbols);
  const literalCounts = new Uint32Array(288);
  const distanceCounts = new Uint32Array(30);

  const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
  const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
  const distanceBase = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
    24577,
  ];
  const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
  const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const lengthCode = new Uint8Array(maxMatch + 1);
  const distanceCode = new Uint8Array(windowSize + 1);
  for (let code = 0; code < 29; code += 1) {
    for (let length = lengthBase[code] ?? 0; length <= maxMatch && length < (lengthBase[code + 1] ?? maxMatch + 1); length += 1) {
      lengthCode[length] = code;
    }
  }
  for (let code = 0; code < 30; code += 1) {
    for (
      let distance = distanceBase[code] ?? 0;
      distance <= windowSize && distance < (distanceBase[code + 1] ?? windowSize + 1);
      distance += 1
    ) {
      distanceCode[distance] = code;
    }
  }

  let out = new Uint8Array(0);
  let size = 0;
  let bits = 0;
  let bitCount = 0;

  function reserve(bytes: number): void {
    if (size + bytes <= out.length) return;
    const larger = new Uint8Array(Math.max(out.length * 2, size + bytes));
    larger.set(out);
    out = larger;
  }
  function put(value: number, count: number): void {
    bits |= value << bitCount;
    bitCount += count;
    while (bitCount >= 8) {
      out[size] = bits & 0xff;
      size += 1;
      bits >>>= 8;
      bitCount -= 8;
    }
  }
  function align(): void {
    if (bitCount > 0) put(0, 8 - bitCount);
  }

  /** Huffman code lengths of at most `limit` bits: Moffat and Katajainen's in-place method, then the Kraft sum is repaired. */
  function codeLengths(counts: Uint32Array, limit: number): Uint8Array {
    const result = new Uint8Array(counts.length);
    const symbols: number[] = [];
    for (let symbol = 0; symbol < counts.length; symbol += 1) if ((counts[symbol] ?? 0) > 0) symbols.push(symbol);
    // Some inflaters refuse a code of fewer than two symbols.
    for (let symbol = 0; symbols.length < 2; symbol += 1) if (!symbols.includes(symbol)) symbols.push(symbol);
    symbols.sort((a, b) => (counts[a] ?? 0) - (counts[b] ?? 0) || a - b);
    const n = symbols.length;
    const a = symbols.map((symbol) => counts[symbol] ?? 0);
    const at = (index: number) => a[index] ?? 0;
    a[0] = at(0) + at(1);
    let root = 0;
    let leaf = 2;
    for (let next = 1; next < n - 1; next += 1) {
      if (leaf >= n || at(root) < at(leaf)) {
        a[next] = at(root);
        a[root] = next;
        root += 1;
      } else {
        a[next] = at(leaf);
        leaf += 1;
      }
      if (leaf >= n || (root < next && at(root) < at(leaf))) {
        a[next] = at(next) + at(root);
        a[root] = next;
        root += 1;
      } else {
        a[next] = at(next) + at(leaf);
        leaf += 1;
      }
    }
    a[n - 2] = 0;
    for (let next = n - 3; next >= 0; next -= 1) a[next] = at(at(next)) + 1;
    let available = 1;
    let used = 0;
    let depth = 0;
    root = n - 2;
    let next = n - 1;
    while (available > 0) {
      while (root >= 0 && at(root) === depth) {
        used += 1;
        root -= 1;
      }
      while (available > used) {
        a[next] = depth;
        next -= 1;
        available -= 1;
      }
      available = 2 * used;
      depth += 1;
      used = 0;
    }
    const perLength = new Uint32Array(limit + 1);
    for (const length of a) {
      const capped = Math.min(length, limit);
      perLength[capped] = (perLength[capped] ?? 0) + 1;
    }
    let total = 0;
    for (let length = 1; length <= limit; length += 1) total += (perLength[length] ?? 0) << (limit - length);
    while (total > 1 << limit) {
      perLength[limit] = (perLength[limit] ?? 0) - 1;
      for (let length = limit - 1; length > 0; length -= 1) {
        if ((perLength[length] ?? 0) === 0) continue;
        perLength[length] = (perLength[length] ?? 0) - 1;
        perLength[length + 1] = (perLength[length + 1] ?? 0) + 2;
        break;
      }
      total -= 1;
    }
    let index = n;
    for (let length = 1; length <= limit; length += 1) {
      for (let count = perLength[length] ?? 0; count > 0; count -= 1) {
        index -= 1;
        result[symbols[index] ?? 0] = length;
      }
    }
    return result;
  }

  /** Canonical codes, bit-reversed since DEFLATE sends Huffman codes from their highest bit. */
  function codesOf(codeSizes: Uint8Array): Uint16Array {
    const counts = new Uint16Array(16);
    for (const length of codeSizes) counts[length] = (counts[length] ?? 0) + 1;
    counts[0] = 0;
    const next = new Uint16Array(16);
    for (let length = 1; length < 16; length += 1) next[length] = ((next[length - 1] ?? 0) + (counts[length - 1] ?? 0)) << 1;
    const codes = new Uint16Array(codeSizes.length);
    for (let symbol = 0; symbol < codeSizes.length; symbol += 1) {
      const length = codeSizes[symbol] ?? 0;
      if (length === 0) continue;
      let code = next[length] ?? 0;
      next[length] = code + 1;
      let reversed = 0;
      for (let bit = 0; bit < length; bit += 1) {
        reversed = (reversed << 1) | (code & 1);
        code >>= 1;
      }
      codes[symbol] = reversed;
    }
    return codes;
  }

  function writeStored(data: Uint8Array, from: number, to: number, final: boolean): void {
    let at = from;
    do {
      const length = Math.min(65535, to - at);
      reserve(length + 8);
      put(final && at + length === to ? 1 : 0, 3);
      align();
      put(length, 16);
      put(~length & 0xffff, 16);
      out.set(data.subarray(at, at + length), size);
      size += length;
      at += length;
    } while (at < to);
  }

  function writeBlock(data: Uint8Array, from: number, to: number, tokens: number, final: boolean): void {
    literalCounts[256] = 1;
    const literalSizes = codeLengths(literalCounts, 15);
    const distanceSizes = codeLengths(distanceCounts, 15);
    let literalTotal = 286;
    while (literalTotal > 257 && literalSizes[literalTotal - 1] === 0) literalTotal -= 1;
    let distanceTotal = 30;
    while (distanceTotal > 1 && distanceSizes[distanceTotal - 1] === 0) distanceTotal -= 1;

    const all = [...literalSizes.subarray(0, literalTotal), ...distanceSizes.subarray(0, distanceTotal)];
    const runs: number[] = [];
    const runCounts = new Uint32Array(19);
    const addRun = (symbol: number, extra: number) => {
      runs.push(symbol, extra);
      runCounts[symbol] = (runCounts[symbol] ?? 0) + 1;
    };
    for (let index = 0; index < all.length; ) {
      const value = all[index] ?? 0;
      let run = 1;
      while (index + run < all.length && all[index + run] === value) run += 1;
      index += run;
      if (value === 0) {
        while (run >= 11) {
          const take = Math.min(run, 138);
          addRun(18, take - 11);
          run -= take;
        }
        if (run >= 3) {
          addRun(17, run - 3);
          run = 0;
        }
      } else {
        addRun(value, 0);
        run -= 1;
        while (run >= 3) {
          const take = Math.min(run, 6);
          addRun(16, take - 3);
          run -= take;
        }
      }
      for (; run > 0; run -= 1) addRun(value, 0);
    }
    const runSizes = codeLengths(runCounts, 7);
    let runTotal = 19;
    while (runTotal > 4 && runSizes[codeLengthOrder[runTotal - 1] ?? 0] === 0) runTotal -= 1;

    let cost = 17 + runTotal * 3;
    for (let index = 0; index < runs.length; index += 2) {
      const symbol = runs[index] ?? 0;
      cost += (runSizes[symbol] ?? 0) + (symbol === 16 ? 2 : symbol === 17 ? 3 : symbol === 18 ? 7 : 0);
    }
    for (let symbol = 0; symbol < 286; symbol += 1) {
      cost += (literalCounts[symbol] ?? 0) * ((literalSizes[symbol] ?? 0) + (symbol > 256 ? (lengthExtra[symbol - 257] ?? 0) : 0));
    }
    for (let symbol = 0; symbol < 30; symbol += 1)
      cost += (distanceCounts[symbol] ?? 0) * ((distanceSizes[symbol] ?? 0) + (distanceExtra[symbol] ?? 0));
    if (cost >= (to - from) * 8 + 40) {
      writeStored(data, from, to, final);
      return;
    }

    reserve((cost >> 3) + 64);
    put(final ? 5 : 4, 3);
    put(literalTotal - 257, 5);
    put(distanceTotal - 1, 5);
    put(runTotal - 4, 4);
    for (let index = 0; index < runTotal; index += 1) put(runSizes[codeLengthOrder[index] ?? 0] ?? 0, 3);
    const runCodes = codesOf(runSizes);
    for (let index = 0; index < runs.length; index += 2) {
      const symbol = runs[index] ?? 0;
      put(runCodes[symbol] ?? 0, runSizes[symbol] ?? 0);
      if (symbol >= 16) put(runs[index + 1] ?? 0, symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
    }
    const literalCodes = codesOf(literalSizes);
    const distanceCodes = codesOf(distanceSizes);
    for (let index = 0; index < tokens; index += 1) {
      const length = lengths[index] as number;
      const distance = distances[index] as number;
      if (distance === 0) {
        put(literalCodes[length] as number, literalSizes[length] as number);
        continue;
      }
      const code = lengthCode[length] as number;
      put(literalCodes[257 + code] as number, literalSizes[257 + code] as number);
      put(length - (lengthBase[code] as number), lengthExtra[code] as number);
      const far = distanceCode[distance] as number;
      put(distanceCodes[far] as number, distanceSizes[far] as number);
      put(distance - (distanceBase[far] as number), distanceExtra[far] as number);
    }
    put(literalCodes[256] ?? 0, literalSizes[256] ?? 0);
  }

  return function deflate(data, start, last) {
    out = new Uint8Array(Math.max(256, data.length - start));
    size = 0;
    bits = 0;
    bitCount = 0;
    head.fill(-1);
    const end = data.length;
    const hashAt = (at: number) =>
      (((data[at] as number) << 10) ^ ((data[at + 1] as number) << 5) ^ (data[at + 2] as number)) & (hashSize - 1);
    const insert = (at: number) => {
      if (at + minMatch > end) return;
      const hash = hashAt(at);
      previous[at & (windowSize - 1)] = head[hash] as number;
      head[hash] = at;
    };
    for (let at = Math.max(0, start - windowSize); at < start; at += 1) insert(at);

    let matchDistance = 0;
    /** Length of the longest match at `at` that is longer than `longerThan`, or 0; its distance goes to `matchDistance`. */
    const longest = (at: number, longerThan: number): number => {
      if (at + minMatch > end) return 0;
      let best = Math.max(longerThan, minMatch - 1);
      let found = 0;
      const most = Math.min(maxMatch, end - at);
      if (best >= most) return 0;
      let candidate = head[hashAt(at)] as number;
      for (let chain = maxChain; candidate >= 0 && at - candidate <= windowSize && chain > 0; chain -= 1) {
        if (data[candidate + best] === data[at + best] && data[candidate] === data[at] && data[candidate + 1] === data[at + 1]) {
          let length = 2;
          while (length < most && data[candidate + length] === data[at + length]) length += 1;
          if (length > best) {
            best = length;
            found = length;
            matchDistance = at - candidate;
            if (length >= niceMatch || length === most) break;
          }
        }
        const older = previous[candidate & (windowSize - 1)] as number;
        if (older >= candidate) break;
        candidate = older;
      }
      return found;
    };

    let at = start;
    do {
      literalCounts.fill(0);
      distanceCounts.fill(0);
      const blockStart = at;
      let tokens = 0;
      const literal = (value: number) => {
        lengths[tokens] = value;
        distances[tokens] = 0;
        literalCounts[value] = (literalCounts[value] as number) + 1;
        tokens += 1;
      };
      while (at < end && tokens < maxSymbols - 2) {
        let length = longest(at, 0);
        if (length === 0) {
          literal(data[at] as number);
          insert(at);
          at += 1;
          continue;
        }
        let distance = matchDistance;
        insert(at);
        // A longer match one byte further on is worth a literal.
        if (length < niceMatch) {
          const later = longest(at + 1, length);
          if (later > length) {
            literal(data[at] as number);
            at += 1;
            insert(at);
            length = later;
            distance = matchDistance;
          }
        }
        lengths[tokens] = length;
        distances[tokens] = distance;
        tokens += 1;
        const lengthSymbol = 257 + (lengthCode[length] as number);
        literalCounts[lengthSymbol] = (literalCounts[lengthSymbol] as number) + 1;
        const distanceSymbol = distanceCode[distance] as number;
        distanceCounts[distanceSymbol] = (distanceCounts[distanceSymbol] as number) + 1;
        for (let inside = at + 1; inside < at + length; inside += 1) insert(inside);
        at += length;
      }
      writeBlock(data, blockStart, at, tokens, last && at === end);
    } while (at < end);
    // An empty stored block brings the next chunk to a byte boundary.
    if (!last) writeStored(data, end, end, false);
    else {
      reserve(8);
      align();
    }
    return out.subarray(0, size);
  };
}
