/** The tree of an audience as the server writes it (docs/audiences.md), and how the builder changes it. */

export interface Bounds {
  min?: number;
  max?: number;
}
export type When =
  | 'ever'
  | { last_days: number }
  | { before_last_days: number }
  | { days: [from: string | null, to: string | null] };
export type Product = { is: string[] } | { contains: string };
export type Measure = 'count' | 'revenue' | 'average_order' | 'items' | 'refunds' | 'refunded';

/** Measures in money. */
export const AMOUNTS: readonly Measure[] = ['revenue', 'average_order', 'refunded'];

/** Ways by which people are reached, and what for, as the consents of a customer have them. */
export const CONTACT_CHANNELS = ['sms', 'email', 'phone', 'wecom', 'in_site', 'post'] as const;
export const CONTACT_PURPOSES = ['marketing', 'survey', 'service', 'profiling'] as const;
export type ContactChannel = (typeof CONTACT_CHANNELS)[number];
export type ContactPurpose = (typeof CONTACT_PURPOSES)[number];

/** Which orders; what is absent chooses nothing. */
export interface Chosen {
  when?: When;
  shop?: string;
  product?: Product;
  amount?: Bounds;
}

export type Joint = { kind: 'all' | 'any'; of: Node[] };
export type Group = Joint | { kind: 'not'; of: Node };
export type Condition =
  | { kind: 'name'; contains: string }
  | { kind: 'province'; is: string[] }
  | { kind: 'rating'; bounds: Bounds }
  | { kind: 'owner'; is: (string | null)[] }
  | { kind: 'tag'; tag: string }
  | { kind: 'tier'; is: string[] }
  | { kind: 'cell'; is: string }
  | { kind: 'level'; scheme: string; is: number[] }
  | { kind: 'points'; programme: string; bounds: Bounds }
  | { kind: 'created'; when: When }
  | { kind: 'refuses_automation' }
  | { kind: 'may_contact'; channel: ContactChannel; purpose: ContactPurpose }
  | { kind: 'orders'; measure: Measure; of?: Chosen; bounds: Bounds }
  | { kind: 'first_order' | 'last_order'; of?: Chosen; when: When }
  | { kind: 'sequence'; first: Product; then: Product; within_days: number; when?: When }
  | { kind: 'audience'; audience: string }
  | { kind: 'bucket'; from: number; to: number; buckets: number; seed?: string };
export type Node = Group | Condition;
export type Of<K extends Node['kind']> = Extract<Node, { kind: K }>;

/** Steps from the root: which of the parts; the part of a `not` is 0. */
export type Path = readonly number[];

/** What a row can be, in the order of the choice; figures of orders are one kind each. */
export const CHOICES = [
  'count',
  'revenue',
  'average_order',
  'items',
  'refunds',
  'refunded',
  'last_order',
  'first_order',
  'sequence',
  'tier',
  'cell',
  'level',
  'points',
  'province',
  'tag',
  'owner',
  'rating',
  'created',
  'name',
  'may_contact',
  'refuses_automation',
  'audience',
  'bucket',
] as const;
export type Choice = (typeof CHOICES)[number];

/** Levels of groups that the builder can make; deeper ones from a text are shown all the same. */
export const DEPTH = 4;

export const EVERYONE: Joint = { kind: 'all', of: [] };

export const isGroup = (node: Node): node is Group =>
  node.kind === 'all' || node.kind === 'any' || node.kind === 'not';

export const partsOf = (node: Node): readonly Node[] =>
  node.kind === 'not' ? [node.of] : node.kind === 'all' || node.kind === 'any' ? node.of : [];

export const choiceOf = (node: Condition): Choice => (node.kind === 'orders' ? node.measure : node.kind);

/** A condition as it is when it is chosen; one that needs a value has an empty one. */
export function defaultOf(choice: Choice): Condition {
  switch (choice) {
    case 'count':
      return { kind: 'orders', measure: 'count', bounds: { min: 2 } };
    case 'revenue':
    case 'average_order':
      return { kind: 'orders', measure: choice, bounds: { min: 50_000 } };
    case 'items':
      return { kind: 'orders', measure: 'items', bounds: { min: 5 } };
    case 'refunds':
      return { kind: 'orders', measure: 'refunds', of: { when: { last_days: 180 } }, bounds: { min: 2 } };
    case 'refunded':
      return { kind: 'orders', measure: 'refunded', bounds: { min: 10_000 } };
    case 'last_order':
    case 'first_order':
      return { kind: choice, when: { last_days: 90 } };
    case 'sequence':
      // biome-ignore lint/suspicious/noThenProperty: the server's name; nobody awaits a condition
      return { kind: 'sequence', first: { contains: '' }, then: { contains: '' }, within_days: 30 };
    case 'tier':
    case 'province':
    case 'owner':
      return { kind: choice, is: [] };
    case 'cell':
      return { kind: 'cell', is: 'R5F*M*' };
    case 'level':
      return { kind: 'level', scheme: '', is: [] };
    case 'points':
      return { kind: 'points', programme: '', bounds: { min: 100 } };
    case 'tag':
      return { kind: 'tag', tag: '' };
    case 'rating':
      return { kind: 'rating', bounds: { min: 1, max: 2 } };
    case 'created':
      return { kind: 'created', when: { last_days: 30 } };
    case 'name':
      return { kind: 'name', contains: '' };
    case 'may_contact':
      return { kind: 'may_contact', channel: 'sms', purpose: 'marketing' };
    case 'refuses_automation':
      return { kind: 'refuses_automation' };
    case 'audience':
      return { kind: 'audience', audience: '' };
    case 'bucket':
      return { kind: 'bucket', from: 1, to: 10, buckets: 100 };
  }
}

/** Another condition in place of one, with the orders that both can choose. */
export function turnedInto(before: Condition, choice: Choice): Condition {
  const after = defaultOf(choice);
  if (!('of' in before) || !before.of) return after;
  const { product, amount, ...rest } = before.of;
  const of: Chosen = choice === 'average_order' ? rest : { ...rest, product, amount };
  if (after.kind === 'orders') return { ...after, of: tidy(of) };
  if (after.kind === 'first_order' || after.kind === 'last_order') return { ...after, of: tidy(of) };
  return after;
}

/** Without what chooses nothing; nothing at all where nothing is left. */
export function tidy(of: Chosen): Chosen | undefined {
  const kept = Object.entries(of).filter(
    ([, value]) =>
      value !== undefined && value !== 'ever' && !(typeof value === 'object' && !Object.keys(value).length),
  );
  return kept.length ? Object.fromEntries(kept) : undefined;
}

export function at(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const step of path) node = node && partsOf(node)[step];
  return node;
}

function withParts(node: Node, of: Node[]): Node {
  if (node.kind === 'not') return of[0] ? { kind: 'not', of: of[0] } : EVERYONE;
  return node.kind === 'all' || node.kind === 'any' ? { ...node, of } : node;
}

/** The tree with another list of parts at the node of `path`; unchanged where there is no such node. */
function edit(root: Node, path: Path, change: (node: Node) => Node): Node {
  const [step, ...rest] = path;
  if (step === undefined) return change(root);
  const parts = partsOf(root);
  const part = parts[step];
  if (!part) return root;
  const next = edit(part, rest, change);
  return next === part ? root : withParts(root, parts.with(step, next));
}

export const replaceAt = (root: Node, path: Path, node: Node): Node => edit(root, path, () => node);

/** With another part at the end of the group of `path`. */
export const addAt = (root: Node, path: Path, node: Node): Node =>
  edit(root, path, (group) =>
    group.kind === 'all' || group.kind === 'any' ? { ...group, of: [...group.of, node] } : group,
  );

/** Without the node of `path`; a `not` goes with its part. Without the root everyone is left. */
export function removeAt(root: Node, path: Path): Node {
  const step = path.at(-1);
  if (step === undefined) return EVERYONE;
  const above = path.slice(0, -1);
  const parent = at(root, above);
  if (!parent || !partsOf(parent)[step]) return root;
  if (parent.kind === 'not') return removeAt(root, above);
  return edit(root, above, (node) => withParts(node, partsOf(node).toSpliced(step, 1)));
}

/** With the node of `path` once more after itself. */
export function duplicateAt(root: Node, path: Path): Node {
  const node = at(root, path);
  const step = path.at(-1);
  if (!node || step === undefined) return root;
  const above = path.slice(0, -1);
  if (at(root, above)?.kind === 'not') return duplicateAt(root, above);
  return edit(root, above, (parent) =>
    withParts(parent, partsOf(parent).toSpliced(step + 1, 0, structuredClone(node))),
  );
}

/** With the node of `path` moved by so many places in its group; unchanged at the ends. */
export function moveAt(root: Node, path: Path, by: number): Node {
  const node = at(root, path);
  const step = path.at(-1);
  if (!node || step === undefined) return root;
  const above = path.slice(0, -1);
  return edit(root, above, (parent) => {
    const parts = partsOf(parent);
    if (parent.kind === 'not' || step + by < 0 || step + by >= parts.length) return parent;
    return withParts(parent, parts.toSpliced(step, 1).toSpliced(step + by, 0, node));
  });
}

/** The node of `path` turned into its opposite, or back. */
export const toggleNotAt = (root: Node, path: Path): Node =>
  edit(root, path, (node) => (node.kind === 'not' ? node.of : { kind: 'not', of: node }));

/** A root that the builder can add to: a single condition stands in a group. */
export const asGroup = (root: Node): Joint =>
  root.kind === 'all' || root.kind === 'any' ? root : { kind: 'all', of: [root] };

const named = (product: Product) =>
  'is' in product
    ? product.is.length > 0 && product.is.every((one) => one.trim())
    : !!product.contains.trim();
const bounded = ({ min, max }: Bounds) =>
  (min !== undefined || max !== undefined) && (min === undefined || max === undefined || min <= max);
const placed = (when: When) =>
  when === 'ever' ||
  !('days' in when) ||
  ((when.days[0] || when.days[1]) && !(when.days[0] && when.days[1] && when.days[0] > when.days[1]));

/** Whether a condition says all that it needs to be counted. */
export function isComplete(node: Node): boolean {
  switch (node.kind) {
    case 'all':
    case 'any':
      return node.of.every(isComplete);
    case 'not':
      return isComplete(node.of);
    case 'name':
      return !!node.contains.trim();
    case 'province':
    case 'owner':
    case 'tier':
      return node.is.length > 0;
    case 'level':
      return !!node.scheme && node.is.length > 0;
    case 'points':
      return !!node.programme && bounded(node.bounds);
    case 'tag':
      return !!node.tag;
    case 'audience':
      return !!node.audience;
    case 'rating':
      return bounded(node.bounds);
    case 'orders':
      return bounded(node.bounds) && chosen(node.of);
    case 'first_order':
    case 'last_order':
      return chosen(node.of) && !!placed(node.when);
    case 'sequence':
      return named(node.first) && named(node.then) && node.within_days > 0 && !!placed(node.when ?? 'ever');
    case 'created':
      return !!placed(node.when);
    case 'bucket':
      return node.from >= 1 && node.from <= node.to && node.to <= node.buckets;
    default:
      return true;
  }
}

const chosen = (of: Chosen = {}) =>
  (!of.product || named(of.product)) && !!placed(of.when ?? 'ever') && (!of.amount || bounded(of.amount));

/** The conditions that lack something. */
export const incompleteIn = (node: Node): number =>
  isGroup(node) ? partsOf(node).reduce((sum, part) => sum + incompleteIn(part), 0) : isComplete(node) ? 0 : 1;

/** The node that the server means by `tree.all[0].not`; undefined where it means something else. */
export function pathOf(field: string): Path | undefined {
  const [root, ...steps] = field.split('.');
  if (root !== 'tree') return undefined;
  const path = steps.map((step) => (step === 'not' ? 0 : Number(/^(?:all|any)\[(\d+)\]$/.exec(step)?.[1])));
  return path.every((step) => !Number.isNaN(step)) ? path : undefined;
}

/** Where a text is wrong: `line 1, column 9: …`, both from 1. */
export interface Fault {
  line?: number;
  column?: number;
  message: string;
}

export function faultOf(message: string): Fault {
  const found = /^line (\d+), column (\d+): ([\s\S]*)$/.exec(message);
  if (!found) return { message };
  return { line: Number(found[1]), column: Number(found[2]), message: found[3] ?? '' };
}

/** The faulty line in three: before the place, the character there, after it. */
export function marked(text: string, fault: Fault): [string, string, string] {
  const line = [...(text.split('\n')[(fault.line ?? 1) - 1] ?? '')];
  const place = (fault.column ?? 1) - 1;
  return [line.slice(0, place).join(''), line[place] ?? ' ', line.slice(place + 1).join('')];
}
