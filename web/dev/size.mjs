// Script that a first visit needs, compressed: sign-in and workbench. Fails above the limit.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_KB = 350;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
const sizes = new Map();
const gzip = (file) => {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length);
  return sizes.get(file);
};
/** Files that an entry needs at once: itself and its static imports. */
function need(key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`not in the manifest: ${key}`);
  if (seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const one of chunk.imports ?? []) need(one, seen);
  return seen;
}
const find = (end) => {
  const key = Object.keys(manifest).find((one) => one.endsWith(end));
  if (!key) throw new Error(`not in the manifest: ${end}`);
  return key;
};
const base = ['index.html', find('src/app/words/zh.ts'), find('locale/zh_CN.js')];
const dayjs = Object.keys(manifest).find((one) => one.endsWith('dayjs/locale/zh-cn.js'));
if (dayjs) base.push(dayjs);
const chart = find('src/ui/echarts-base.ts');
const pages = {
  'sign-in': [...base, find('src/app/SignInPage.tsx')],
  workbench: [...base, find('src/app/Frame.tsx'), find('src/modules/insight/WorkbenchPage.tsx')],
  customers: [...base, find('src/app/Frame.tsx'), find('src/modules/customers/ListPage.tsx')],
  rfm: [...base, find('src/app/Frame.tsx'), find('src/modules/insight/RfmPage.tsx')],
};
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
let failed = false;
for (const [name, entries] of Object.entries(pages)) {
  const files = new Set();
  for (const entry of entries) need(entry, files);
  const total = [...files].reduce((sum, file) => sum + gzip(file), 0);
  const limited = name === 'sign-in' || name === 'workbench';
  const over = limited && total > LIMIT_KB * 1000;
  failed ||= over;
  console.log(
    `${name.padEnd(10)} ${kb(total).padStart(10)} gzip, ${files.size} files${limited ? `, limit ${LIMIT_KB} kB${over ? ' EXCEEDED' : ''}` : ''}`,
  );
  if (process.argv.includes('--files')) for (const f of files) console.log('   ', kb(gzip(f)), f);
}
const charts = need(chart);
console.log(
  `charts     ${kb([...charts].reduce((sum, file) => sum + gzip(file), 0)).padStart(10)} gzip, fetched after the page is usable`,
);
process.exit(failed ? 1 : 0);
