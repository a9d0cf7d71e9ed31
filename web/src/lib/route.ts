import type { ComponentType } from 'react';

/** A page of a module: its path and how to fetch its script. */
export interface PageRoute {
  path: string;
  load: () => Promise<{ default: ComponentType }>;
}
