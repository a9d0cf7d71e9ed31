import type { ComponentType } from 'react';

/** A page of a module: its path and how to fetch its script. */
export interface PageRoute {
  path: string;
  load: () => Promise<{ default: ComponentType }>;
  /** Asks for what the page shows first, while its script is still on the way. */
  ask?: () => void;
}
