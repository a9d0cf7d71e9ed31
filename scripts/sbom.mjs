// sbom.mjs METADATA TREE LOCK   a bill of materials of the program: the packages of TREE (`cargo tree`), with what
// METADATA (`cargo metadata`) says of them and the checksums of LOCK.
import { readFileSync } from 'node:fs';

const [metadata, tree, lock] = process.argv.slice(2).map((path) => readFileSync(path, 'utf8'));
const wanted = new Set(
  tree
    .split('\n')
    .map((line) => /^(\S+) v(\S+)/.exec(line))
    .filter(Boolean)
    .map(([, name, version]) => `${name} ${version}`),
);
const checksums = new Map(
  [...lock.matchAll(/name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"/g)].map(
    ([, name, version, sum]) => [`${name} ${version}`, sum],
  ),
);
const packages = JSON.parse(metadata).packages.filter(({ name, version }) => wanted.has(`${name} ${version}`));
const components = packages
  .map(({ name, version, license, source, description }) => {
    const sum = checksums.get(`${name} ${version}`);
    return {
      type: 'library',
      name,
      version,
      ...(source ? { purl: `pkg:cargo/${name}@${version}`, 'bom-ref': `pkg:cargo/${name}@${version}` } : {}),
      ...(description ? { description: description.trim().replace(/\s+/g, ' ') } : {}),
      ...(license ? { licenses: [{ expression: license.replace(/ ?\/ ?/g, ' OR ') }] } : {}),
      ...(sum ? { hashes: [{ alg: 'SHA-256', content: sum }] } : {}),
    };
  })
  .filter(({ name }) => name !== 'app')
  .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
const own = packages.find(({ name }) => name === 'app');
const missing = components.filter(({ purl, hashes }) => purl && !hashes);
if (missing.length > 0) throw new Error(`without a checksum: ${missing.map(({ name }) => name).join(', ')}`);
console.log(
  JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      version: 1,
      metadata: { component: { type: 'application', name: 'guanxi', version: own.version } },
      components,
    },
    null,
    2,
  ),
);
