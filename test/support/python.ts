export { cacheFolder, ensureVenv } from '../../hack/python.ts';
