// bench-table.mjs AREA FIGURES.json PAGE.md [PEERS.json [MORE.json…]]
// Prints the figures of a benchmark as a table and puts it between the markers of its area in PAGE; with what
// bench/peers.py saw, how many times as long its peers took, and with more figures of the same run below them.
import { execSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';

const [area, source, page, peersFile, ...more] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const own = read(source);
const { figures, build, left_out: leftOut } = own;
for (const file of more) {
  figures.push(...read(file).figures);
}
if (!Array.isArray(figures) || figures.length === 0) {
  throw new Error(`${source} holds no figures`);
}

const shown = (value) => (typeof value === 'number' ? Number(value.toPrecision(4)).toLocaleString('en-US') : (value ?? ''));
const rows = figures.map(({ name, value, unit, goal, ok, rounds, note }) => [
  name,
  shown(value),
  unit ?? '',
  shown(goal),
  ok === undefined || ok === null ? '' : ok ? 'yes' : '**no**',
  shown(rounds),
  note ?? '',
]);
const tableOf = (header, cells) => {
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map((row) => String(row[column]).length)));
  const line = (row) => `| ${row.map((cell, column) => String(cell).padEnd(widths[column])).join(' | ')} |`;
  return [line(header), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...cells.map(line)].join('\n');
};
const table = tableOf(['figure', 'value', 'unit', 'goal', 'met', 'rounds', 'note'], rows);

// Each peer's median beside ours, and how many times as long it took.
const besidePeers = ({ peers, agree }) => {
  const names = Object.keys(peers);
  const asked = [
    ['RFM cube, from the orders', 'rfm_ms', 'rfm_orders'],
    ['RFM cube, from a prepared table', 'rfm_ms', 'rfm_features'],
    ['audience of ten conditions', 'audience10_ms', 'audience10'],
    ['with windows of orders and products', 'audience_window_ms', 'audience_window'],
  ];
  const cell = (peer, ms, name) =>
    peer.failed ? `failed: ${peer.failed}` : `${shown(peer[`${name}_ms`])} ms (${shown(peer[`${name}_ms`] / ms)}×)`;
  const found = (name) => {
    const counts = [...names.map((peer) => peers[peer].counts?.[name]), own[`${name}_customers`]];
    return agree[name] && counts.every((count) => count === undefined || count === counts[0]) ? 'yes' : '**no**';
  };
  const cells = asked.map(([words, mine, name]) => [
    words,
    `${shown(own[mine])} ms`,
    ...names.map((peer) => cell(peers[peer], own[mine], name)),
    found(name),
  ]);
  const resource = (words, name) => [words, '', ...names.map((peer) => shown(peers[peer][name])), ''];
  cells.push(resource('seconds to load the tables', 'load_seconds'), resource('most memory, MiB', 'peak_mib'));
  const title = names.map((peer) => `${peer} ${peers[peer].version ?? ''}`.trim());
  return `\n\n${tableOf(['asked of the same tables', 'Guanxi', ...title, 'counts agree'], cells)}`;
};
const peers = peersFile && existsSync(peersFile) ? besidePeers(read(peersFile)) : '';

const [cpu] = os.cpus();
const machine = `${cpu?.model.trim() ?? 'unknown processor'}, ${os.cpus().length} threads, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}`;
const commit = execSync('git rev-parse --short HEAD').toString().trim();
const day = new Date().toISOString().slice(0, 10);
const built = build && build !== 'release' ? ` A ${build} build: these figures say nothing.` : '';
const missing = leftOut?.length ? `\n\nLeft out: ${leftOut.join('; ')}.` : '';
const block = `${day}, commit ${commit}, ${machine}.${built}\n\n${table}${peers}${missing}`;
console.log(`${block}\n`);

const [begin, end] = [`<!-- bench:${area} begin -->`, `<!-- bench:${area} end -->`];
const old = existsSync(page) ? readFileSync(page, 'utf8') : '# Benchmarks\n\nWritten by `make bench`.\n';
const [from, to] = [old.indexOf(begin), old.indexOf(end)];
const fresh =
  from >= 0 && to > from
    ? `${old.slice(0, from + begin.length)}\n${block}\n${old.slice(to)}`
    : `${old.trimEnd()}\n\n## ${area}\n\n${begin}\n${block}\n${end}\n`;
writeFileSync(page, fresh);
