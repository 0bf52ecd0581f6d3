// Writes src/described.d.ts: the API's types, made of the description that the program gives of itself.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import openapi, { astToString } from 'openapi-typescript';

const go = process.env.GO ?? 'go';
const description = execFileSync(go, ['run', '-buildvcs=false', './internal/api/describe'], {
  cwd: new URL('..', import.meta.url),
  encoding: 'utf8',
  maxBuffer: 64 << 20,
});
writeFileSync(new URL('src/described.d.ts', import.meta.url), astToString(await openapi(description)));
