// bench-table.mjs AREA FIGURES.json PAGE.md
// Prints the figures of a benchmark as a table and puts it between the markers of its area in PAGE.
import { execSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';

const [area, source, page] = process.argv.slice(2);
const { figures, build, left_out: leftOut } = JSON.parse(readFileSync(source, 'utf8'));
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
const header = ['figure', 'value', 'unit', 'goal', 'met', 'rounds', 'note'];
const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => String(row[column]).length)));
const line = (cells) => `| ${cells.map((cell, column) => String(cell).padEnd(widths[column])).join(' | ')} |`;
const table = [line(header), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');

const [cpu] = os.cpus();
const machine = `${cpu?.model.trim() ?? 'unknown processor'}, ${os.cpus().length} threads, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}`;
const commit = execSync('git rev-parse --short HEAD').toString().trim();
const day = new Date().toISOString().slice(0, 10);
const built = build && build !== 'release' ? ` A ${build} build: these figures say nothing.` : '';
const missing = leftOut?.length ? `\n\nLeft out: ${leftOut.join('; ')}.` : '';
const block = `${day}, commit ${commit}, ${machine}.${built}\n\n${table}${missing}`;
console.log(`${block}\n`);

const [begin, end] = [`<!-- bench:${area} begin -->`, `<!-- bench:${area} end -->`];
const old = existsSync(page) ? readFileSync(page, 'utf8') : '# Benchmarks\n\nWritten by `make bench`.\n';
const [from, to] = [old.indexOf(begin), old.indexOf(end)];
const fresh =
  from >= 0 && to > from
    ? `${old.slice(0, from + begin.length)}\n${block}\n${old.slice(to)}`
    : `${old.trimEnd()}\n\n## ${area}\n\n${begin}\n${block}\n${end}\n`;
writeFileSync(page, fresh);
