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
