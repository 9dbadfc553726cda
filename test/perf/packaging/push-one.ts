/** A process that uploads one zip, for measuring: push-one.ts ZIP CONTAINER-URL KEY. */
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { uploadPackage } from '../../../src/packaging/azure/upload.ts';
import { openFile } from '../../../src/packaging/random-access.ts';
import { account } from '../../packaging/support/azure.ts';

const [path = '', url = '', key = ''] = process.argv.slice(2);
await using source = await openFile(path);
await uploadPackage(new ContainerClient(url, new StorageSharedKeyCredential(account, key)), 'large', source, 'a'.repeat(64));
