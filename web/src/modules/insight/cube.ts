import type { Rfm } from '@/api/types';

export type Dimension = 'r' | 'f' | 'm';
export type Metric = 'customers' | 'orders' | 'revenue_minor';
export type Cell = Rfm['cells'][number];

export const DIMENSIONS: Dimension[] = ['r', 'f', 'm'];

/** The third dimension beside two. */
export function thirdOf(x: Dimension, y: Dimension): Dimension {
  return DIMENSIONS.find((one) => one !== x && one !== y) ?? 'm';
}

export interface Square {
  x: number;
  y: number;
  value: number;
  cells: Cell[];
}

/** The cube seen along its third dimension: one square per pair of scores, or only one layer of it. */
export function project(
  cells: Cell[],
  bins: number,
  x: Dimension,
  y: Dimension,
  metric: Metric,
  layer: number | undefined,
): Square[] {
  const third = thirdOf(x, y);
  const squares = new Map<number, Square>();
  for (let i = 1; i <= bins; i += 1) {
    for (let j = 1; j <= bins; j += 1) squares.set(i * 100 + j, { x: i, y: j, value: 0, cells: [] });
  }
  for (const cell of cells) {
    if (layer !== undefined && cell[third] !== layer) continue;
    const square = squares.get(cell[x] * 100 + cell[y]);
    if (!square) continue;
    square.value += cell[metric];
    square.cells.push(cell);
  }
  return [...squares.values()];
}

export function cellName(cell: Cell): string {
  return `R${cell.r}F${cell.f}M${cell.m}`;
}

function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(rgb: number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((one) => {
    const share = one / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export const DARK_INK = '#000000';
export const LIGHT_INK = '#ffffff';

/** The colour of a scale at a share of it, as the chart mixes it. */
export function colourAt(scale: string[], share: number): number[] {
  const place = Math.min(1, Math.max(0, share)) * (scale.length - 1);
  const from = channels(scale[Math.floor(place)] ?? '#000000');
  const to = channels(scale[Math.ceil(place)] ?? '#000000');
  return from.map((one, index) => one + ((to[index] ?? one) - one) * (place % 1));
}

/** How well ink reads on a colour: 1 to 21. */
export function contrast(ink: string, ground: number[]): number {
  const [high = 0, low = 0] = [luminance(channels(ink)), luminance(ground)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

/** The ink that reads better there. */
export function inkOn(ground: number[]): string {
  return contrast(LIGHT_INK, ground) > contrast(DARK_INK, ground) ? LIGHT_INK : DARK_INK;
}

/** By which scores the customers' list filters: day, bins and shop of this page. */
export interface RfmSettings {
  as_of?: string;
  bins?: string;
  rfm_shop?: string;
}

/** The settings in the page's address, as the customers' list takes them. */
export function settingsOf(url: Record<string, string | undefined>): RfmSettings {
  return { as_of: url.as_of, bins: url.bins, rfm_shop: url.shop };
}
