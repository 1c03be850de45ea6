// The npm packages of tests/package.json, for scripts that live outside that folder.
import { createRequire } from 'node:module';

export const npm = createRequire(new URL('../../tests/package.json', import.meta.url));
