/** A process that packages one folder, for measuring: package-one.ts FOLDER ZIP. */
import { writePackageFile } from '../../../src/packaging/package-file.ts';
import { listSource } from '../../../src/packaging/source-folder.ts';

const [folder = '', output = ''] = process.argv.slice(2);
await writePackageFile(await listSource(folder), output, undefined);
